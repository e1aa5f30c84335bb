/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why an operation did not succeed, for people and for scripts. Plain data. */
#ifndef GC_CLI_FAULT_H
#define GC_CLI_FAULT_H

#include <stdbool.h>

#include "base/macros.h"
#include "core/apierr.h"
#include "rpc/call.h"

#define GC_FAULT_TEXT_MAX 640

struct gc_fault {
    int status;          /* exit status; GC_EXIT_OK: there is none */
    enum gc_api_err api; /* what the server calls it; GC_API_OK: the fault is not the server's */
    bool again;          /* another attempt may succeed */
    bool stop;           /* whatever comes next would meet the same fault */
    char text[GC_FAULT_TEXT_MAX]; /* without control characters */
};

/* From the end of CALL with STATUS: only in its on_end or a unary call's callback. */
void gc_fault_of_call(struct gc_fault *fault, const struct gc_rpc_call *call,
                      const struct gc_rpc_status *status);

/* From RC, one of our codes; the text is FMT, ": " and what RC means. */
void gc_fault_set(struct gc_fault *fault, int rc, const char *fmt, ...) GC_PRINTF(3, 4);

/* One that is only a text; exit status GC_EXIT_FAILURE. */
void gc_fault_say(struct gc_fault *fault, const char *fmt, ...) GC_PRINTF(2, 3);

/* A signal ended it. */
void gc_fault_interrupted(struct gc_fault *fault);

/* The exit status of a command that has met STATUS after those that made SO_FAR: that of all of
 * them if they are the same, else GC_EXIT_FAILURE. */
int gc_fault_merge(int so_far, int status);

#endif
