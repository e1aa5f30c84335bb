/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/cli.h"

/* Texts may come from a peer and go to a terminal. */
static void
no_controls(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

static int
status_of_code(enum gc_rpc_code code)
{
    switch (code) {
    case GC_RPC_OK:
        return GC_EXIT_OK;
    case GC_RPC_NOT_FOUND:
        return GC_EXIT_NOT_FOUND;
    case GC_RPC_PERMISSION_DENIED:
    case GC_RPC_UNAUTHENTICATED:
        return GC_EXIT_DENIED;
    case GC_RPC_UNAVAILABLE:
    case GC_RPC_DEADLINE_EXCEEDED:
        return GC_EXIT_UNAVAILABLE;
    default:
        return GC_EXIT_FAILURE;
    }
}

/* Errors of the API after which nothing has been done and a later attempt may succeed. */
static bool
api_says_again(enum gc_api_err err)
{
    return err == GC_API_ServiceUnavailable || err == GC_API_SlowDown || err == GC_API_StaleEpoch ||
           err == GC_API_RequestExpired;
}

/* The server's own word for it; GC_API_OK when it gives none that we know. */
static enum gc_api_err
api_err_of(const struct gc_rpc_call *call)
{
    struct gc_str code = gc_rpc_trailer(call, "gcommon-error");
    const struct gc_api_err_info *info = gc_api_err_by_code(code);

    return gc_str_eq_cstr(code, info->code) ? info->err : GC_API_OK;
}

void
gc_fault_of_call(struct gc_fault *fault, const struct gc_rpc_call *call,
                 const struct gc_rpc_status *status)
{
    const char *name = gc_rpc_code_name(status->code);

    *fault = (struct gc_fault){ .status = status_of_code(status->code) };
    if (status->code == GC_RPC_OK) {
        return;
    }
    fault->api = api_err_of(call);
    if (fault->api != GC_API_OK) {
        name = gc_api_err_info(fault->api)->code;
    }
    fault->again = status->code == GC_RPC_UNAVAILABLE || api_says_again(fault->api);
    if (fault->again) {
        fault->status = GC_EXIT_UNAVAILABLE;
    }
    fault->stop = fault->status == GC_EXIT_UNAVAILABLE || fault->status == GC_EXIT_DENIED ||
                  fault->api == GC_API_NoSuchBucket || fault->api == GC_API_InsufficientStorage;
    snprintf(fault->text, sizeof(fault->text), "%s%s%s", name,
             status->message[0] != '\0' ? ": " : "", status->message);
    no_controls(fault->text);
}

void
gc_fault_set(struct gc_fault *fault, int rc, const char *fmt, ...)
{
    char text[GC_FAULT_TEXT_MAX / 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    *fault = (struct gc_fault){
        .status = gc_cli_exit_of(rc),
        .again = rc == GC_ECHECKSUM,
        .stop = rc == -ENOSPC || rc == -EDQUOT || rc == -EROFS,
    };
    snprintf(fault->text, sizeof(fault->text), "%s: %s", text, gc_err_text(rc));
    no_controls(fault->text);
}

void
gc_fault_say(struct gc_fault *fault, const char *fmt, ...)
{
    va_list ap;

    *fault = (struct gc_fault){ .status = GC_EXIT_FAILURE };
    va_start(ap, fmt);
    vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
    va_end(ap);
    no_controls(fault->text);
}

void
gc_fault_interrupted(struct gc_fault *fault)
{
    *fault = (struct gc_fault){ .status = GC_EXIT_INTERRUPTED, .stop = true };
    snprintf(fault->text, sizeof(fault->text), "interrupted");
}

int
gc_fault_merge(int so_far, int status)
{
    if (so_far == GC_EXIT_INTERRUPTED || status == GC_EXIT_INTERRUPTED) {
        return GC_EXIT_INTERRUPTED;
    }
    return so_far == GC_EXIT_OK || so_far == status ? status : GC_EXIT_FAILURE;
}
