/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main of a fuzz target that is built without libFuzzer: runs the target once for each file
 * named on the command line or, without arguments, for each file of tests/fuzz/corpus/<program>/.
 * A target that finds a fault aborts, so a normal exit means that all inputs passed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_INPUT_MAX (16U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = malloc(REPLAY_INPUT_MAX);
    uint8_t *exact = NULL;
    size_t len;
    int rc = -1;

    if (in == NULL || data == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        goto out;
    }
    len = fread(data, 1, REPLAY_INPUT_MAX, in);
    /* A block of just this size, so that a sanitizer sees each byte read past the end. */
    exact = malloc(len > 0 ? len : 1);
    if (exact == NULL || ferror(in)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        goto out;
    }
    memcpy(exact, data, len);
    LLVMFuzzerTestOneInput(exact, len);
    rc = 0;
out:
    free(exact);
    free(data);
    if (in != NULL) {
        fclose(in);
    }
    return rc;
}

static int
replay_corpus(const char *target)
{
    const char *srcdir = getenv("GC_SRCDIR");
    const struct dirent *entry;
    char path[4096];
    unsigned n_files = 0;
    DIR *dir;
    int rc = 0;

    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", target);
    dir = opendir(path);
    if (dir == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        char file[sizeof(path) + sizeof(entry->d_name) + 1];

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        rc = replay_file(file);
        n_files++;
    }
    closedir(dir);
    printf("%s: %u inputs\n", target, n_files);
    return rc == 0 && n_files > 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    int rc = 0;

    if (argc == 1) {
        return replay_corpus(slash != NULL ? slash + 1 : argv[0]) == 0 ? 0 : 1;
    }
    for (int i = 1; i < argc && rc == 0; i++) {
        rc = replay_file(argv[i]);
    }
    return rc == 0 ? 0 : 1;
}
