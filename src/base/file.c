/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/random.h"
#include "base/str.h"

#define SECRET_MODE_REFUSED 0037
#define READ_STEP           ((size_t)4096)

static ssize_t
read_some(int fd, void *dst, size_t len)
{
    ssize_t n;
    do {
        n = read(fd, dst, len);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Read to the end. SIZE, what fstat told, is a hint: it is 0 in /proc, and files change. Room for
 * one byte more lets us see the end without growing, which would leave a copy of a secret in freed
 * memory. */
static int
read_all(int fd, size_t size, size_t max, struct gc_buf *out)
{
    size_t room = size + 1;

    for (;;) {
        size_t limit = GC_MIN(max, out->max - out->len);
        char beyond;
        if (limit == 0) {
            ssize_t n = read_some(fd, &beyond, 1);
            return n > 0 ? GC_ELIMIT : (int)n;
        }
        limit = GC_MIN(limit, room);
        int rc = gc_buf_reserve(out, limit);
        if (rc != 0) {
            return rc;
        }
        ssize_t n = read_some(fd, out->data + out->len, limit);
        if (n <= 0) {
            return (int)n;
        }
        out->len += (size_t)n;
        max -= (size_t)n;
        room = room > (size_t)n ? room - (size_t)n : READ_STEP;
    }
}

int
gc_file_read(const char *path, size_t max, bool secret, struct gc_buf *out)
{
    size_t before = out->len;
    struct stat st;
    int rc;

    /* O_NONBLOCK: a FIFO in the place of a file must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &st) != 0) {
        rc = -errno;
    } else if (!S_ISREG(st.st_mode)) {
        rc = -EINVAL;
    } else if (secret && (st.st_mode & SECRET_MODE_REFUSED) != 0) {
        rc = -EPERM;
    } else {
        rc = read_all(fd, st.st_size > 0 ? (size_t)st.st_size : READ_STEP, max, out);
    }
    close(fd);
    if (rc != 0 && out->len > before) {
        gc_wipe(out->data + before, out->len - before);
        out->len = before;
    }
    return rc;
}

static int
write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Make PATH with this content on stable storage; it must not exist. */
static int
write_new(const char *path, const void *data, size_t len, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0) {
        return -errno;
    }
    int rc = write_all(fd, data, len);
    if (rc == 0 && fsync(fd) != 0) {
        rc = -errno;
    }
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    if (rc != 0) {
        unlink(path);
    }
    return rc;
}

/* Sync the directory that PATH is in: only then the rename is on stable storage. */
static int
sync_dir_of(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof(dir)) {
        return -ENAMETOOLONG;
    }
    memcpy(dir, path, len);
    dir[len] = '\0';
    const char *name = slash == NULL ? "." : len == 0 ? "/" : dir;
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int rc = fsync(fd) != 0 ? -errno : 0;
    close(fd);
    return rc;
}

int
gc_file_write(const char *path, const void *data, size_t len, unsigned mode)
{
    char temp[PATH_MAX];
    char suffix[17];
    uint8_t random[8];

    gc_random_bytes(random, sizeof(random));
    gc_hex_encode(suffix, random, sizeof(random));
    int n = snprintf(temp, sizeof(temp), "%s.%s.tmp", path, suffix);
    if (n < 0 || (size_t)n >= sizeof(temp)) {
        return -ENAMETOOLONG;
    }
    int rc = write_new(temp, data, len, mode);
    if (rc != 0) {
        return rc;
    }
    if (rename(temp, path) != 0) {
        rc = -errno;
        unlink(temp);
        return rc;
    }
    return sync_dir_of(path);
}
