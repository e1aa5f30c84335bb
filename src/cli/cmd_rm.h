/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef GC_CLI_CMD_RM_H
#define GC_CLI_CMD_RM_H

#include "cli/batch.h"

/* Remove all objects of BUCKET whose names begin with PREFIX. Returns the exit status. */
int gc_remove_all(struct gc_batch *batch, const char *bucket, struct gc_str prefix);

#endif
