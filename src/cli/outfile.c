/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/random.h"
#include "base/str.h"
#include "cli/place.h"

#define TEMP_PREFIX    ".gcommonctl-"
#define FILE_MODE      0666
#define DIR_MODE       0777
#define DIR_FLAGS      (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define STREAM_WAIT_MS 50

void
gc_outfile_init(struct gc_outfile *out)
{
    *out = (struct gc_outfile){ .fd = -1, .dir_fd = -1 };
}

void
gc_outfile_of_fd(struct gc_outfile *out, int fd)
{
    gc_outfile_init(out);
    out->fd = fd;
    out->stream = true;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* A new temporary file in out->dir_fd, to become NAME. */
static int
open_temp(struct gc_outfile *out, struct gc_str name)
{
    uint8_t id[8];
    int rc;

    out->name = strndup(name.data, name.len);
    if (out->name == NULL) {
        return -ENOMEM;
    }
    gc_random_bytes(id, sizeof(id));
    memcpy(out->temp, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1);
    gc_hex_encode(out->temp + sizeof(TEMP_PREFIX) - 1, id, sizeof(id));
    out->fd = openat(out->dir_fd, out->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    out->own_fd = true;
    if (out->fd < 0) {
        rc = -errno;
        out->temp[0] = '\0';
        return rc;
    }
    return 0;
}

static int
open_beside(struct gc_outfile *out, const char *path)
{
    struct gc_str name = gc_last_component(gc_str_of(path));
    size_t dir_len = (size_t)(name.data - path);
    char *dir;
    int rc = 0;

    if (name.len == 0) {
        return -EISDIR;
    }
    dir = dir_len > 0 ? strndup(path, dir_len) : strdup(".");
    if (dir == NULL) {
        return -ENOMEM;
    }
    out->dir_fd = open(dir, DIR_FLAGS);
    if (out->dir_fd < 0) {
        rc = -errno;
    }
    free(dir);
    return rc == 0 ? open_temp(out, name) : rc;
}

int
gc_outfile_open(struct gc_outfile *out, const char *path)
{
    struct stat st;
    int rc;

    gc_outfile_init(out);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return -EISDIR;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        out->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        out->stream = out->own_fd = true;
        return out->fd >= 0 ? 0 : -errno;
    }
    rc = open_beside(out, path);
    if (rc != 0) {
        gc_outfile_abort(out);
    }
    return rc;
}

/* The folder NAME in DIR_FD, made if it is missing. */
static int
enter(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, DIR_FLAGS | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT && (mkdirat(dir_fd, name, DIR_MODE) == 0 || errno == EEXIST)) {
        fd = openat(dir_fd, name, DIR_FLAGS | O_NOFOLLOW);
    }
    return fd >= 0 ? fd : -errno;
}

/* Go down to the folder of REL, which becomes out->dir_fd; REL becomes the last component. */
static int
enter_all(struct gc_outfile *out, struct gc_str *rel)
{
    char name[NAME_MAX + 1];
    const char *slash;

    while ((slash = memchr(rel->data, '/', rel->len)) != NULL) {
        size_t len = (size_t)(slash - rel->data);
        int fd = gc_str_copy(name, sizeof(name), (struct gc_str){ rel->data, len }) == 0
                     ? enter(out->dir_fd, name)
                     : -ENAMETOOLONG;

        if (fd < 0) {
            return fd;
        }
        close(out->dir_fd);
        out->dir_fd = fd;
        rel->data += len + 1;
        rel->len -= len + 1;
    }
    return 0;
}

int
gc_outfile_open_below(struct gc_outfile *out, int root_fd, struct gc_str rel)
{
    int rc;

    gc_outfile_init(out);
    out->dir_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    if (out->dir_fd < 0) {
        return -errno;
    }
    rc = enter_all(out, &rel);
    rc = rc != 0 ? rc : open_temp(out, rel);
    if (rc != 0) {
        gc_outfile_abort(out);
    }
    return rc;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int
write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes without blocking. */
static int
write_stream(int fd, const uint8_t *data, size_t len, size_t *ret_written)
{
    size_t written = 0;

    while (written < len) {
        struct pollfd ready = { .fd = fd, .events = POLLOUT };
        ssize_t n;

        if (poll(&ready, 1, STREAM_WAIT_MS) <= 0) {
            break; /* later; a signal is seen by the loop first */
        }
        n = write(fd, data + written, GC_MIN(len - written, PIPE_BUF));
        if (n < 0 && errno == EINTR) {
            break;
        }
        if (n < 0) {
            return -errno;
        }
        written += (size_t)n;
    }
    *ret_written = written;
    return 0;
}

int
gc_outfile_write(struct gc_outfile *out, const void *data, size_t len, size_t *ret_written)
{
    int rc;

    if (out->stream) {
        return write_stream(out->fd, data, len, ret_written);
    }
    rc = write_all(out->fd, data, len);
    if (rc == 0) {
        *ret_written = len;
    }
    return rc;
}

/* --- the end ---------------------------------------------------------------------------------- */

static int
outfile_close(struct gc_outfile *out)
{
    int rc = 0;

    if (out->own_fd && out->fd >= 0 && close(out->fd) != 0 && errno != EINTR) {
        rc = -errno;
    }
    out->fd = -1;
    return rc;
}

int
gc_outfile_commit(struct gc_outfile *out)
{
    int rc = outfile_close(out);

    if (rc == 0 && out->temp[0] != '\0') {
        if (renameat(out->dir_fd, out->temp, out->dir_fd, out->name) == 0) {
            out->temp[0] = '\0';
        } else {
            rc = -errno;
        }
    }
    gc_outfile_abort(out);
    return rc;
}

void
gc_outfile_abort(struct gc_outfile *out)
{
    (void)outfile_close(out);
    if (out->temp[0] != '\0') {
        (void)unlinkat(out->dir_fd, out->temp, 0);
    }
    if (out->dir_fd >= 0) {
        close(out->dir_fd);
    }
    free(out->name);
    gc_outfile_init(out);
}
