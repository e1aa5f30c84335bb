/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subcommand `gcommon-file fsck`. */
#ifndef GC_FILE_FSCK_COMMAND_H
#define GC_FILE_FSCK_COMMAND_H

/* argv[0] is "fsck"; returns the exit status. */
int gc_file_fsck_command(int argc, char **argv);

#endif
