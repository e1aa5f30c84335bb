/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "cli/place.h"

#define DRAW_EVERY_MS 200
#define LINE_BYTES    160
#define WIDTH_DEFAULT 80

void
gc_progress_init(struct gc_progress *progress, bool quiet)
{
    *progress = (struct gc_progress){
        .shown = !quiet && isatty(STDERR_FILENO) == 1,
        .start_ms = gc_clock_mono_ms(),
    };
}

/* "12:34:56" or "34:56". */
static void
format_duration(char dst[32], uint64_t seconds)
{
    uint64_t hours = seconds / 3600;

    if (hours > 99) {
        snprintf(dst, 32, "days");
    } else if (hours > 0) {
        snprintf(dst, 32, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, hours, seconds / 60 % 60,
                 seconds % 60);
    } else {
        snprintf(dst, 32, "%" PRIu64 ":%02" PRIu64, seconds / 60, seconds % 60);
    }
}

/* Bytes a second since the start. */
static uint64_t
rate_of(const struct gc_progress *progress, uint64_t now_ms)
{
    uint64_t elapsed_ms = GC_MAX(now_ms - progress->start_ms, 1);

    return (uint64_t)((double)progress->n_bytes * 1000 / (double)elapsed_ms);
}

void
gc_progress_line(const struct gc_progress *progress, uint64_t now_ms, char *dst, size_t size)
{
    char done[GC_HUMAN_MAX], total[GC_HUMAN_MAX], rate_text[GC_HUMAN_MAX], eta[32] = "";
    char objects[64], bytes[2 * GC_HUMAN_MAX + 4], left[48] = "";
    uint64_t rate = rate_of(progress, now_ms);

    if (progress->n_total > 0) {
        snprintf(objects, sizeof(objects), "%" PRIu64 "/%" PRIu64, progress->n_done,
                 progress->n_total);
    } else {
        snprintf(objects, sizeof(objects), "%" PRIu64, progress->n_done);
    }
    gc_human_bytes(done, progress->n_bytes);
    if (progress->n_bytes_total > 0) {
        gc_human_bytes(total, progress->n_bytes_total);
        snprintf(bytes, sizeof(bytes), "%s of %s", done, total);
    } else {
        snprintf(bytes, sizeof(bytes), "%s", done);
    }
    if (progress->n_bytes_total > progress->n_bytes && rate > 0) {
        format_duration(eta, (progress->n_bytes_total - progress->n_bytes + rate - 1) / rate);
        snprintf(left, sizeof(left), ", %s left", eta);
    }
    snprintf(dst, size, "%s objects, %s, %s/s%s", objects, bytes, gc_human_bytes(rate_text, rate),
             left);
}

static size_t
terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return WIDTH_DEFAULT;
    }
    return size.ws_col;
}

void
gc_progress_draw(struct gc_progress *progress)
{
    uint64_t now_ms = gc_clock_mono_ms();
    char line[LINE_BYTES];

    if (!progress->shown || now_ms - progress->drawn_ms < DRAW_EVERY_MS) {
        return;
    }
    progress->drawn_ms = now_ms;
    gc_progress_line(progress, now_ms, line, GC_MIN(sizeof(line), terminal_width()));
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void
gc_progress_clear(struct gc_progress *progress)
{
    if (progress->shown && progress->drawn_ms != 0) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->drawn_ms = 0;
    }
}
