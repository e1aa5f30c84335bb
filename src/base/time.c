/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/macros.h"

/* The formats have four digits for the year: 0000-01-01 to 9999-12-31, anything beyond is shown as
 * the nearest end. */
#define WALL_MS_MIN (-62167219200000)
#define WALL_MS_MAX 253402300799999

/* Not from the locale: these are words of the protocol. */
static const char *const day_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const long_day_names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday" };
static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* Calendar fields of WALL_MS, and the milliseconds of the second. */
static unsigned
civil(int64_t wall_ms, struct tm *ret_tm)
{
    wall_ms = GC_MAX(WALL_MS_MIN, GC_MIN(wall_ms, WALL_MS_MAX));
    int64_t ms = wall_ms % 1000;
    ms = ms < 0 ? ms + 1000 : ms;
    time_t seconds = (wall_ms - ms) / 1000;
    gmtime_r(&seconds, ret_tm);
    return (unsigned)ms;
}

/* Two digits; keeps the compiler sure of the length. */
static void
put2(char *dst, int value)
{
    dst[0] = (char)('0' + value / 10 % 10);
    dst[1] = (char)('0' + value % 10);
}

static void
put_time(char *dst, const struct tm *tm)
{
    put2(dst, tm->tm_hour);
    dst[2] = ':';
    put2(dst + 3, tm->tm_min);
    dst[5] = ':';
    put2(dst + 6, tm->tm_sec);
}

void
gc_time_http(char dst[30], int64_t wall_ms)
{
    struct tm tm;
    civil(wall_ms, &tm);
    memcpy(dst, "Ddd, 00 Mmm 0000 00:00:00 GMT", 30);
    memcpy(dst, day_names[tm.tm_wday], 3);
    put2(dst + 5, tm.tm_mday);
    memcpy(dst + 8, month_names[tm.tm_mon], 3);
    put2(dst + 12, (tm.tm_year + 1900) / 100);
    put2(dst + 14, (tm.tm_year + 1900) % 100);
    put_time(dst + 17, &tm);
}

void
gc_time_iso(char dst[25], int64_t wall_ms)
{
    struct tm tm;
    unsigned ms = civil(wall_ms, &tm);
    memcpy(dst, "0000-00-00T00:00:00.000Z", 25);
    put2(dst, (tm.tm_year + 1900) / 100);
    put2(dst + 2, (tm.tm_year + 1900) % 100);
    put2(dst + 5, tm.tm_mon + 1);
    put2(dst + 8, tm.tm_mday);
    put_time(dst + 11, &tm);
    dst[20] = (char)('0' + ms / 100);
    put2(dst + 21, (int)(ms % 100));
}

/* Reading a date: AT advances over what matched; nothing is read once BAD. */
struct scan {
    const char *at;
    bool bad;
};

static void
scan_text(struct scan *scan, const char *text)
{
    size_t len = strlen(text);
    if (scan->bad || strncmp(scan->at, text, len) != 0) {
        scan->bad = true;
        return;
    }
    scan->at += len;
}

/* Exactly N digits, or blanks before them where BLANK. */
static int
scan_number(struct scan *scan, int n, bool blank)
{
    int value = 0;
    for (int i = 0; i < n && !scan->bad; i++) {
        char c = *scan->at;
        if (blank && i == 0 && c == ' ') {
            c = '0';
        }
        scan->bad = c < '0' || c > '9';
        if (!scan->bad) {
            value = value * 10 + (c - '0');
            scan->at++;
        }
    }
    return value;
}

/* The index of the name at AT, -1 when there is none. */
static int
scan_name(struct scan *scan, const char *const *names, int n)
{
    for (int i = 0; i < n && !scan->bad; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(scan->at, names[i], len) == 0) {
            scan->at += len;
            return i;
        }
    }
    scan->bad = true;
    return -1;
}

static void
scan_time(struct scan *scan, struct tm *tm)
{
    tm->tm_hour = scan_number(scan, 2, false);
    scan_text(scan, ":");
    tm->tm_min = scan_number(scan, 2, false);
    scan_text(scan, ":");
    tm->tm_sec = scan_number(scan, 2, false);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool
scan_imf(const char *text, struct tm *tm)
{
    struct scan scan = { .at = text };
    scan_name(&scan, day_names, 7);
    scan_text(&scan, ", ");
    tm->tm_mday = scan_number(&scan, 2, false);
    scan_text(&scan, " ");
    tm->tm_mon = scan_name(&scan, month_names, 12);
    scan_text(&scan, " ");
    tm->tm_year = scan_number(&scan, 4, false) - 1900;
    scan_text(&scan, " ");
    scan_time(&scan, tm);
    scan_text(&scan, " GMT");
    return !scan.bad && *scan.at == '\0';
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool
scan_rfc850(const char *text, struct tm *tm)
{
    struct scan scan = { .at = text };
    scan_name(&scan, long_day_names, 7);
    scan_text(&scan, ", ");
    tm->tm_mday = scan_number(&scan, 2, false);
    scan_text(&scan, "-");
    tm->tm_mon = scan_name(&scan, month_names, 12);
    scan_text(&scan, "-");
    int year = scan_number(&scan, 2, false);
    tm->tm_year =
        year < 69 ? year + 100 : year; /* POSIX' window, 1969 to 2068: it needs no clock */
    scan_text(&scan, " ");
    scan_time(&scan, tm);
    scan_text(&scan, " GMT");
    return !scan.bad && *scan.at == '\0';
}

/* "Sun Nov  6 08:49:37 1994" */
static bool
scan_asctime(const char *text, struct tm *tm)
{
    struct scan scan = { .at = text };
    scan_name(&scan, day_names, 7);
    scan_text(&scan, " ");
    tm->tm_mon = scan_name(&scan, month_names, 12);
    scan_text(&scan, " ");
    tm->tm_mday = scan_number(&scan, 2, true);
    scan_text(&scan, " ");
    scan_time(&scan, tm);
    scan_text(&scan, " ");
    tm->tm_year = scan_number(&scan, 4, false) - 1900;
    return !scan.bad && *scan.at == '\0';
}

static int
month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month] + (month == 1 && leap);
}

int
gc_time_http_parse(const char *text, int64_t *ret_wall_ms)
{
    struct tm tm = { 0 };
    if (!scan_imf(text, &tm) && !scan_rfc850(text, &tm) && !scan_asctime(text, &tm)) {
        return GC_EPARSE;
    }
    if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 || tm.tm_mday < 1 ||
        tm.tm_mday > month_days(tm.tm_year + 1900, tm.tm_mon)) {
        return GC_EPARSE;
    }
    *ret_wall_ms = (int64_t)timegm(&tm) * 1000;
    return 0;
}
