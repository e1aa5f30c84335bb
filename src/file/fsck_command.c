/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gcommon-file fsck: verify the store of a stopped daemon, in a child process, since a damaged LMDB
 * file can crash whoever reads it. Exit status: 0 whole, 1 damaged or unreadable, 2 usage. */
#include "file/fsck_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "file/file_conf.h"
#include "storage/fsck.h"

static void
print_problem(void *arg, const char *line)
{
    (void)arg;
    printf("problem: %s\n", line);
}

static int
check(const char *dir)
{
    struct gc_fsck_result result = { 0 };
    int rc = gc_fsck(dir, print_problem, NULL, &result);
    if (rc == 0 || rc == GC_ECORRUPT) {
        printf(
            "%s: %llu blobs of %llu bytes, %llu full chunks verified, %llu deleted blobs wait for "
            "removal, %llu orphaned chunks, %llu problems\n",
            dir, (unsigned long long)result.n_blobs, (unsigned long long)result.bytes,
            (unsigned long long)result.n_chunks, (unsigned long long)result.n_deleted,
            (unsigned long long)result.n_orphans, (unsigned long long)result.n_problems);
    }
    if (rc == GC_ECONFLICT) {
        fprintf(stderr, "gcommon-file: %s is open in a process; stop it first\n", dir);
    } else if (rc != 0) {
        fprintf(stderr, "gcommon-file: %s: %s\n", dir, gc_err_text(rc));
    }
    fflush(stdout);
    return rc == 0 ? 0 : 1;
}

static int
check_in_child(const char *dir)
{
    int status;
    pid_t pid;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        _exit(check(dir));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("gcommon-file: fsck");
        return 1;
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr,
                "gcommon-file: %s: damaged so that reading it ended by signal %d (%s); what was "
                "printed before is right\n",
                dir, WTERMSIG(status), strsignal(WTERMSIG(status)));
        return 1;
    }
    return WEXITSTATUS(status);
}

int
gc_file_fsck_command(int argc, char **argv)
{
    const char *path = "/etc/gcommon/file.conf";
    char error[GC_CONF_ERROR_MAX];
    struct gc_file_conf *conf;
    int status;
    if (argc == 2 && argv[1][0] != '-') {
        return check_in_child(argv[1]);
    }
    if (argc == 3 && (strcmp(argv[1], "-c") == 0 || strcmp(argv[1], "--config") == 0)) {
        path = argv[2];
    } else if (argc != 1) {
        printf(
            "Usage: gcommon-file fsck [DIRECTORY | --config FILE]\n\n"
            "Verify every record and every chunk of the store in DIRECTORY, or in the one that the\n"
            "configuration names. The daemon must be stopped. Nothing is changed.\n"
            "Exit status: 0 whole, 1 damaged or unreadable, 2 wrong usage or configuration.\n");
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    conf = calloc(1, sizeof(*conf));
    if (conf == NULL || gc_conf_load(gc_file_conf_items, conf, path, error) != 0) {
        fprintf(stderr, "gcommon-file: %s\n", conf == NULL ? "out of memory" : error);
        free(conf);
        return 2;
    }
    status = check_in_child(conf->data_dir);
    free(conf);
    return status;
}
