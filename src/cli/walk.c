/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/name.h"

#define NAMES_BYTES_MAX (256u * 1024 * 1024) /* of one folder */
/* A file further down could not be stored: each level takes two bytes of its key at least. */
#define DEPTH_MAX      (GC_OBJECT_KEY_MAX / 2 + 1)
#define PATH_BYTES_MAX (1024 * 1024)
#define DIR_FLAGS      (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A folder that is being walked. NAMES holds, for each entry, a byte of its type (DT_*) and its
 * name with the NUL. */
struct level {
    int fd;
    struct gc_buf names;
    size_t *order; /* offsets into NAMES, sorted */
    size_t n, at;
    size_t path_len; /* of the folder's own path with its '/' */
};

struct gc_walk {
    struct level levels[DEPTH_MAX];
    size_t depth; /* levels in use */
    struct gc_buf path;
};

/* --- reading a folder ------------------------------------------------------------------------- */

static unsigned char
type_of_mode(mode_t mode)
{
    return (unsigned char)IFTODT(mode);
}

static int
level_add(struct level *level, const struct dirent *entry)
{
    unsigned char type = entry->d_type;
    struct stat st;
    int rc;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
        return 0;
    }
    if (type == DT_UNKNOWN && fstatat(level->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        type = type_of_mode(st.st_mode);
    }
    rc = gc_buf_append(&level->names, &type, 1);
    rc = rc != 0 ? rc : gc_buf_append(&level->names, entry->d_name, strlen(entry->d_name) + 1);
    level->n++;
    return rc;
}

static int
level_read(struct level *level)
{
    int own_fd = fcntl(level->fd, F_DUPFD_CLOEXEC, 0), rc = 0;
    DIR *dir = own_fd >= 0 ? fdopendir(own_fd) : NULL;
    const struct dirent *entry;

    if (dir == NULL) {
        rc = -errno;
        if (own_fd >= 0) {
            close(own_fd);
        }
        return rc;
    }
    errno = 0;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        rc = level_add(level, entry);
        errno = 0;
    }
    if (rc == 0) {
        rc = -errno;
    }
    closedir(dir);
    return rc;
}

/* Names compare as their paths do: a folder's has a '/' behind it. */
static int
compare(const void *a, const void *b, void *arg)
{
    const uint8_t *names = ((const struct level *)arg)->names.data;
    const unsigned char *x = names + *(const size_t *)a, *y = names + *(const size_t *)b;
    bool x_dir = *x++ == DT_DIR, y_dir = *y++ == DT_DIR;
    int cx, cy;

    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    cx = *x != '\0' ? *x : x_dir ? '/' : 0;
    cy = *y != '\0' ? *y : y_dir ? '/' : 0;
    return cx - cy;
}

static int
level_sort(struct level *level)
{
    const uint8_t *data = level->names.data;
    size_t offset = 0;

    level->order = calloc(level->n + 1, sizeof(*level->order));
    if (level->order == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < level->n; i++) {
        level->order[i] = offset;
        offset += 1 + strlen((const char *)data + offset + 1) + 1;
    }
    qsort_r(level->order, level->n, sizeof(*level->order), compare, level);
    return 0;
}

/* --- going down and up ------------------------------------------------------------------------ */

static void
walk_up(struct gc_walk *walk)
{
    struct level *level = &walk->levels[--walk->depth];

    close(level->fd);
    gc_buf_fini(&level->names);
    free(level->order);
}

/* Enter the folder open as FD (taken), whose path is walk->path. */
static int
walk_down(struct gc_walk *walk, int fd)
{
    struct level *level = &walk->levels[walk->depth];
    int rc;

    *level = (struct level){ .fd = fd, .path_len = walk->path.len };
    gc_buf_init(&level->names, NAMES_BYTES_MAX);
    walk->depth++;
    rc = level_read(level);
    rc = rc != 0 ? rc : level_sort(level);
    if (rc != 0) {
        walk_up(walk);
    }
    return rc;
}

int
gc_walk_open(const char *dir, struct gc_walk **ret_walk)
{
    struct gc_walk *walk = calloc(1, sizeof(*walk));
    int fd, rc;

    if (walk == NULL) {
        return -ENOMEM;
    }
    gc_buf_init(&walk->path, PATH_BYTES_MAX);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd >= 0 ? walk_down(walk, fd) : -errno;
    if (rc != 0) {
        gc_walk_close(walk);
        return rc;
    }
    *ret_walk = walk;
    return 0;
}

void
gc_walk_close(struct gc_walk *walk)
{
    if (walk == NULL) {
        return;
    }
    while (walk->depth > 0) {
        walk_up(walk);
    }
    gc_buf_fini(&walk->path);
    free(walk);
}

static const char *
what_is(unsigned char type)
{
    switch (type) {
    case DT_LNK:
        return "a symbolic link";
    case DT_FIFO:
        return "a named pipe";
    case DT_SOCK:
        return "a socket";
    case DT_CHR:
    case DT_BLK:
        return "a device";
    default:
        return "no regular file";
    }
}

static int
enter(struct gc_walk *walk, const struct level *level, const char *name)
{
    int fd, rc;

    if (walk->depth == DEPTH_MAX) {
        return GC_ELIMIT;
    }
    fd = openat(level->fd, name, DIR_FLAGS);
    if (fd < 0) {
        return -errno;
    }
    rc = gc_buf_append_str(&walk->path, "/");
    if (rc != 0) {
        close(fd);
        return rc;
    }
    return walk_down(walk, fd);
}

/* The path of NAME in LEVEL. */
static int
set_path(struct gc_walk *walk, const struct level *level, const char *name)
{
    int rc;

    walk->path.len = level->path_len;
    rc = gc_buf_append_str(&walk->path, name);
    return rc == 0 && gc_buf_cstr(&walk->path) == NULL ? -ENOMEM : rc;
}

void
gc_walk_next(struct gc_walk *walk, struct gc_walk_entry *ret_entry)
{
    while (walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        struct gc_walk_entry entry = { .kind = GC_WALK_FILE, .dir_fd = level->fd };
        const char *text;

        if (level->at == level->n) {
            walk_up(walk);
            continue;
        }
        text = (const char *)level->names.data + level->order[level->at++];
        entry.name = text + 1;
        entry.rc = set_path(walk, level, entry.name);
        if (entry.rc == 0 && (unsigned char)text[0] == DT_DIR) {
            entry.rc = enter(walk, level, entry.name);
            if (entry.rc == 0) {
                continue;
            }
        } else if ((unsigned char)text[0] != DT_REG) {
            entry.kind = GC_WALK_OTHER;
            entry.why = what_is((unsigned char)text[0]);
        }
        if (entry.rc != 0) {
            entry.kind = GC_WALK_FAILED;
        }
        entry.path = (struct gc_str){ (const char *)walk->path.data, walk->path.len };
        *ret_entry = entry;
        return;
    }
    *ret_entry = (struct gc_walk_entry){ .kind = GC_WALK_END };
}
