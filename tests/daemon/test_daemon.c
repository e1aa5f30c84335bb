/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a daemon: a tiny role in a child process, which is this program called with
 * GC_TINY_ROLE in its environment, and what it says on its way. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "tests/support/pki.h"

#define WAIT_MS 60000

/* --- the role -----------------------------------------------------------------------------------
 */

enum tiny_mode {
    TINY_PLAIN,
    TINY_CHECK_FAILS,
    TINY_OPEN_FAILS,
    TINY_WORKER_FAILS, /* the second one */
    TINY_FAILS,        /* all workers, once they run */
    TINY_HOLDS,        /* drained only when the gate exists */
    TINY_BLOCKS,       /* worker 0 at a reload, until somebody writes to the gate */
    TINY_RELOAD_FAILS
};

struct tiny_conf {
    struct gc_daemon_conf daemon;
    int mode;
    char gate[GC_PATH_MAX];
};

static const struct gc_conf_item tiny_items[] = {
    GC_DAEMON_CONF_ITEMS(struct tiny_conf, "", ""),
    GC_CONF_ENUM("tiny", "mode", struct tiny_conf, mode,
                 "plain|check-fails|open-fails|worker-fails|fails|holds|blocks|reload-fails",
                 "plain", "what it does"),
    GC_CONF_STRING("tiny", "gate", struct tiny_conf, gate, "", "file that it waits for"),
    { 0 },
};

struct tiny {
    struct gc_daemon *daemon;
    const struct tiny_conf *conf;
    struct gc_tls_ctx *tls; /* as it was at the start */
};

struct tiny_worker {
    struct tiny *tiny;
    struct gc_worker *worker;
    struct gc_timer timer;
};

static int
tiny_check(const void *ptr, char error[GC_CONF_ERROR_MAX])
{
    const struct tiny_conf *conf = ptr;
    if (conf->mode != TINY_CHECK_FAILS) {
        return 0;
    }
    snprintf(error, GC_CONF_ERROR_MAX, "[tiny] mode is not to be");
    return GC_ECONFIG;
}

static int
tiny_open(struct gc_daemon *daemon, const void *conf, void **ret_role)
{
    struct tiny *tiny = calloc(1, sizeof(*tiny));
    tiny->daemon = daemon;
    tiny->conf = conf;
    if (tiny->conf->mode == TINY_OPEN_FAILS) {
        free(tiny);
        return -EIO;
    }
    tiny->tls = gc_daemon_tls(daemon, true);
    gc_log(GC_LOG_INFO, "tiny.open", "x=0");
    *ret_role = tiny;
    return 0;
}

static void
on_timer(struct gc_timer *timer)
{
    struct tiny_worker *w = gc_container_of(timer, struct tiny_worker, timer);
    if (w->tiny->conf->mode == TINY_FAILS) {
        gc_daemon_fail(w->tiny->daemon, "as it was told");
    } else if (access(w->tiny->conf->gate, F_OK) == 0) {
        gc_worker_drained(w->worker);
    } else {
        gc_timer_start(timer, 10);
    }
}

static int
tiny_worker_open(void *role, struct gc_worker *worker, void **ret_state)
{
    struct tiny *tiny = role;
    struct tiny_worker *w;
    if (tiny->conf->mode == TINY_WORKER_FAILS && worker->index == 1) {
        return GC_ELIMIT;
    }
    w = calloc(1, sizeof(*w));
    w->tiny = tiny;
    w->worker = worker;
    gc_timer_init(&w->timer, worker->loop, on_timer);
    if (tiny->conf->mode == TINY_FAILS) {
        gc_timer_start(&w->timer, 0);
    }
    gc_log(GC_LOG_INFO, "tiny.worker_open", "worker=%u", worker->index);
    *ret_state = w;
    return 0;
}

static int
tiny_reload(void *role, const void *ptr)
{
    const struct tiny_conf *conf = ptr;
    (void)role;
    return conf->mode == TINY_RELOAD_FAILS ? GC_ECONFIG : 0;
}

static void
tiny_worker_reload(void *role, struct gc_worker *worker, void *state)
{
    struct tiny *tiny = role;
    (void)state;
    gc_log(GC_LOG_INFO, "tiny.worker_reload", "worker=%u", worker->index);
    if (tiny->conf->mode == TINY_BLOCKS && worker->index == 0) {
        int fd = open(tiny->conf->gate, O_RDONLY);
        (void)close(fd);
    }
}

static void
tiny_worker_drain(void *role, struct gc_worker *worker, void *state)
{
    struct tiny *tiny = role;
    struct tiny_worker *w = state;
    gc_log(GC_LOG_INFO, "tiny.worker_drain", "worker=%u ready=%d", worker->index,
           gc_daemon_ready(tiny->daemon));
    if (tiny->conf->mode == TINY_HOLDS) {
        gc_timer_start(&w->timer, 0);
    } else {
        gc_worker_drained(worker);
    }
}

static void
tiny_worker_close(void *role, struct gc_worker *worker, void *state)
{
    struct tiny_worker *w = state;
    (void)role;
    gc_timer_stop(&w->timer);
    free(w);
    gc_log(GC_LOG_INFO, "tiny.worker_close", "worker=%u", worker->index);
}

static void
tiny_close(void *role)
{
    struct tiny *tiny = role;
    struct gc_tls_ctx *tls = gc_daemon_tls(tiny->daemon, true);
    gc_log(GC_LOG_INFO, "tiny.close", "tls=%s", tls == tiny->tls ? "same" : "changed");
    gc_tls_ctx_unref(tls);
    gc_tls_ctx_unref(tiny->tls);
    free(tiny);
}

static int
tiny_command(int argc, char **argv)
{
    printf("%s:%d:%s\n", argv[0], argc, argc > 1 ? argv[1] : "-");
    return 42;
}

static const struct gc_role_command tiny_commands[] = {
    { "count", "counts its arguments", tiny_command },
    { 0 },
};

static const struct gc_role tiny_role = {
    .name = "tiny",
    .summary = "A role for tests.",
    .conf_path = "/nonexistent/tiny.conf",
    .items = tiny_items,
    .conf_bytes = sizeof(struct tiny_conf),
    .check = tiny_check,
    .open = tiny_open,
    .worker_open = tiny_worker_open,
    .reload = tiny_reload,
    .worker_reload = tiny_worker_reload,
    .worker_drain = tiny_worker_drain,
    .worker_close = tiny_worker_close,
    .close = tiny_close,
    .commands = tiny_commands,
};

/* --- the child ----------------------------------------------------------------------------------
 */

struct fixture {
    struct gc_pki pki;
    char conf[96], gate[96];
    pid_t pid; /* 0: none */
    int out;   /* its stdout and stderr */
    struct gc_buf text;
    size_t at; /* in TEXT: what was waited for so far */
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    gc_pki_init(&f->pki, "daemon");
    gc_pki_leaf(&f->pki, "tiny", "spiffe://" GC_PKI_DOMAIN "/gcommon/file/tiny");
    snprintf(f->conf, sizeof(f->conf), "%s", gc_pki_path(&f->pki, "tiny.conf"));
    snprintf(f->gate, sizeof(f->gate), "%s", gc_pki_path(&f->pki, "gate"));
    gc_buf_init(&f->text, 1u << 20);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    if (f->pid != 0) { /* a case has failed */
        kill(f->pid, SIGKILL);
        waitpid(f->pid, NULL, 0);
        close(f->out);
    }
    gc_buf_fini(&f->text);
    gc_pki_fini(&f->pki);
    free(f);
    return 0;
}

/* MORE: further lines, of whatever sections. */
static void
configure(struct fixture *f, const char *mode, const char *more)
{
    struct gc_buf text;
    gc_buf_init(&text, 8192);
    assert_int_equal(gc_buf_printf(&text,
                                   "[daemon]\nnode = tiny\nworkers = 2\n[tls]\ncert = %s/tiny.crt\n"
                                   "key = %s/tiny.key\nca = %s/ca.crt\ntrust_domain = %s\n"
                                   "[tiny]\nmode = %s\ngate = %s\n%s",
                                   f->pki.dir, f->pki.dir, f->pki.dir, GC_PKI_DOMAIN, mode, f->gate,
                                   more),
                     0);
    assert_int_equal(gc_file_write(f->conf, text.data, text.len, 0600), 0);
    gc_buf_fini(&text);
}

static void
start(struct fixture *f, const char *a, const char *b, const char *c)
{
    char *const argv[] = { (char *)"gcommon-tiny", (char *)a, (char *)b, (char *)c, NULL };
    posix_spawn_file_actions_t actions;
    int fds[2];
    f->at = 0;
    gc_buf_clear(&f->text);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
    assert_int_equal(posix_spawn(&f->pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    f->out = fds[0];
}

/* Read more of what it says; false at its end. */
static bool
listen_on(struct fixture *f, uint64_t end_ms)
{
    struct pollfd poll_fd = { .fd = f->out, .events = POLLIN };
    uint64_t now_ms = gc_clock_mono_ms();
    char piece[4096];
    ssize_t n;
    if (now_ms > end_ms || poll(&poll_fd, 1, (int)(end_ms - now_ms)) <= 0) {
        fail_msg("waited in vain; so far: %s", gc_buf_cstr(&f->text));
    }
    n = read(f->out, piece, sizeof(piece));
    assert_true(n >= 0);
    assert_int_equal(gc_buf_append(&f->text, piece, (size_t)n), 0);
    return n > 0;
}

/* Wait until it has said TEXT, after what was waited for before. */
static void
says(struct fixture *f, const char *text)
{
    uint64_t end_ms = gc_clock_mono_ms() + WAIT_MS;
    const char *hit;
    while ((hit = strstr(gc_buf_cstr(&f->text) + f->at, text)) == NULL) {
        if (!listen_on(f, end_ms)) {
            fail_msg("it has ended without \"%s\": %s", text, gc_buf_cstr(&f->text));
        }
    }
    f->at = (size_t)(hit - gc_buf_cstr(&f->text)) + strlen(text);
}

static unsigned
count(struct fixture *f, const char *text)
{
    unsigned n = 0;
    for (const char *hit = gc_buf_cstr(&f->text); (hit = strstr(hit, text)) != NULL; hit++) {
        n++;
    }
    return n;
}

static void
ends_with(struct fixture *f, int want)
{
    uint64_t end_ms = gc_clock_mono_ms() + WAIT_MS;
    int status;
    while (listen_on(f, end_ms)) {
    }
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    f->pid = 0;
    close(f->out);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != want) {
        print_error("%s\n", gc_buf_cstr(&f->text));
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), want);
}

static void
runs(struct fixture *f, const char *a, const char *b, const char *c, int want)
{
    start(f, a, b, c);
    ends_with(f, want);
}

static bool
said(struct fixture *f, const char *text)
{
    return strstr(gc_buf_cstr(&f->text), text) != NULL;
}

/* Start with the configuration and wait until it is ready. */
static void
start_ready(struct fixture *f, const char *mode, const char *more)
{
    configure(f, mode, more);
    start(f, "-c", f->conf, NULL);
    says(f, "event=ready");
}

/* All that was opened has been closed. */
static void
was_torn_down(struct fixture *f)
{
    assert_int_equal(count(f, "event=tiny.open "), count(f, "event=tiny.close "));
    assert_int_equal(count(f, "event=tiny.worker_open "), count(f, "event=tiny.worker_close "));
    assert_int_equal(count(f, "event=stop "), 1);
}

/* --- arguments ----------------------------------------------------------------------------------
 */

static void
options_that_only_print_are_status_0(void **state)
{
    struct fixture *f = *state;
    runs(f, "--version", NULL, NULL, 0);
    assert_true(said(f, "gcommon-tiny "));
    runs(f, "-V", NULL, NULL, 0);
    runs(f, "--help", NULL, NULL, 0);
    assert_true(said(f, "A role for tests."));
    assert_true(said(f, "/nonexistent/tiny.conf"));
    assert_true(said(f, "counts its arguments"));
    runs(f, "--print-config", NULL, NULL, 0);
    assert_true(said(f, "[tiny]"));
    assert_true(said(f, "drain_ms"));
}

static void
wrong_usage_is_status_2(void **state)
{
    struct fixture *f = *state;
    runs(f, "--nonsense", NULL, NULL, 2);
    assert_true(said(f, "Try 'gcommon-tiny --help'."));
    runs(f, "-c", NULL, NULL, 2);
    runs(f, "-x", NULL, NULL, 2);
    runs(f, "nonsense", NULL, NULL, 2);
    assert_true(said(f, "no such command: nonsense"));
    runs(f, "--check-config", "extra", NULL, 2);
    assert_true(said(f, "unexpected argument: extra"));
    runs(f, "", NULL, NULL, 2);
}

static void
a_command_gets_its_arguments_and_gives_the_status(void **state)
{
    struct fixture *f = *state;
    runs(f, "count", "--nonsense", "x", 42);
    assert_string_equal(gc_buf_cstr(&f->text), "count:3:--nonsense\n");
}

/* --- configuration ------------------------------------------------------------------------------
 */

static void
a_checked_configuration_is_ok_or_status_2(void **state)
{
    struct fixture *f = *state;
    configure(f, "plain", "");
    runs(f, "--check-config", "-c", f->conf, 0);
    assert_true(said(f, "tiny.conf: ok\n"));
    configure(f, "plain", "unknown = 1\n");
    runs(f, "--check-config", "-c", f->conf, 2);
    assert_true(said(f, "tiny.conf:12: "));
    runs(f, "-c", f->conf, NULL, 2); /* the same without the check */
    configure(f, "nonsense", "");
    runs(f, "--check-config", "-c", f->conf, 2);
    assert_true(said(f, "tiny.conf:10: "));
    configure(f, "check-fails", "");
    runs(f, "--check-config", "-c", f->conf, 2);
    assert_true(said(f, "[tiny] mode is not to be"));
    runs(f, "--check-config", NULL, NULL, 2);
    assert_true(said(f, "/nonexistent/tiny.conf"));
}

/* --- start --------------------------------------------------------------------------------------
 */

static void
a_failing_open_is_status_1(void **state)
{
    struct fixture *f = *state;
    configure(f, "open-fails", "");
    runs(f, "-c", f->conf, NULL, 1);
    assert_true(said(f, "event=start.failed"));
    assert_false(said(f, "event=ready"));
    was_torn_down(f);
}

static void
a_failing_worker_takes_down_the_others(void **state)
{
    struct fixture *f = *state;
    configure(f, "worker-fails", "");
    runs(f, "-c", f->conf, NULL, 1);
    assert_int_equal(count(f, "event=tiny.worker_close "), 1);
    assert_true(said(f, "event=start.failed"));
    assert_false(said(f, "event=ready"));
    was_torn_down(f);
}

static void
a_certificate_that_cannot_be_read_is_status_1(void **state)
{
    struct fixture *f = *state;
    configure(f, "plain", "");
    assert_int_equal(unlink(gc_pki_path(&f->pki, "tiny.key")), 0);
    runs(f, "-c", f->conf, NULL, 1);
    assert_true(said(f, "event=tls.load"));
    assert_false(said(f, "event=tiny.open"));
}

static void
listeners_of_the_daemon_itself_can_fail_the_start(void **state)
{
    struct fixture *f = *state;
    configure(f, "plain", "[metrics]\nlisten = 0.0.0.0:0\n"); /* not loopback */
    runs(f, "-c", f->conf, NULL, 1);
    assert_true(said(f, "event=metrics.listen"));
    was_torn_down(f);
    configure(f, "plain", "[daemon]\nadmin_socket = /nonexistent/admin.sock\n");
    runs(f, "-c", f->conf, NULL, 1);
    assert_true(said(f, "event=admin.listen"));
    was_torn_down(f);
}

static void
a_daemon_that_fails_later_is_status_1(void **state)
{
    struct fixture *f = *state;
    configure(f, "fails", "");
    runs(f, "-c", f->conf, NULL, 1);
    assert_int_equal(count(f, "event=daemon.fail"), 1); /* though both workers asked for it */
    assert_int_equal(count(f, "event=tiny.worker_close "), 2);
    was_torn_down(f);
}

/* --- stop ---------------------------------------------------------------------------------------
 */

static void
a_signal_drains_and_stops(void **state)
{
    struct fixture *f = *state;
    static const int signums[] = { SIGTERM, SIGINT };
    for (size_t i = 0; i < GC_ARRAY_LEN(signums); i++) {
        start_ready(f, "plain", "");
        kill(f->pid, signums[i]);
        ends_with(f, 0);
        assert_int_equal(count(f, "event=tiny.worker_drain "), 2);
        assert_int_equal(count(f, "ready=0"), 2);
        was_torn_down(f);
    }
}

static void
a_drain_waits_for_what_runs(void **state)
{
    struct fixture *f = *state;
    start_ready(f, "holds", "");
    kill(f->pid, SIGTERM);
    says(f, "event=tiny.worker_drain ");
    says(f, "event=tiny.worker_drain ");
    assert_int_equal(count(f, "event=tiny.worker_close "), 0);
    assert_int_equal(gc_file_write(f->gate, "", 0, 0600), 0);
    ends_with(f, 0);
    assert_false(said(f, "result=cut"));
    was_torn_down(f);
}

static void
a_drain_is_cut_after_its_time(void **state)
{
    struct fixture *f = *state;
    start_ready(f, "holds", "[daemon]\ndrain_ms = 100\n");
    kill(f->pid, SIGTERM);
    ends_with(f, 0);
    assert_true(said(f, "result=cut"));
    was_torn_down(f);
}

static void
a_second_signal_cuts_the_drain(void **state)
{
    struct fixture *f = *state;
    start_ready(f, "holds", "[daemon]\ndrain_ms = 3600000\n");
    kill(f->pid, SIGTERM);
    says(f, "event=tiny.worker_drain ");
    kill(f->pid, SIGINT);
    ends_with(f, 0);
    assert_false(said(f, "result=cut"));
    was_torn_down(f);
}

/* --- reload -------------------------------------------------------------------------------------
 */

static void
a_reload_reaches_each_worker(void **state)
{
    struct fixture *f = *state;
    start_ready(f, "plain", "");
    gc_pki_leaf(&f->pki, "tiny", "spiffe://" GC_PKI_DOMAIN "/gcommon/file/tiny");
    kill(f->pid, SIGHUP);
    says(f, "event=tiny.worker_reload ");
    says(f, "event=tiny.worker_reload ");
    kill(f->pid, SIGTERM);
    ends_with(f, 0);
    assert_true(said(f, "tls=changed"));
    was_torn_down(f);
}

static void
a_bad_file_changes_nothing(void **state)
{
    struct fixture *f = *state;
    start_ready(f, "plain", "");
    configure(f, "plain", "unknown = 1\n");
    kill(f->pid, SIGHUP);
    says(f, "result=unchanged");
    configure(f, "check-fails", "");
    kill(f->pid, SIGHUP);
    says(f, "result=unchanged");
    configure(f, "plain", "");
    assert_int_equal(gc_file_write(gc_pki_path(&f->pki, "tiny.crt"), "x\n", 2, 0600), 0);
    kill(f->pid, SIGHUP);
    says(f, "result=unchanged");
    kill(f->pid, SIGTERM);
    ends_with(f, 0);
    assert_true(said(f, "tls=same"));
    assert_int_equal(count(f, "event=tiny.worker_reload "), 0);
    was_torn_down(f);
}

static void
what_the_role_refuses_changes_nothing_else(void **state)
{
    struct fixture *f = *state;
    start_ready(f, "plain", "");
    configure(f, "reload-fails", "");
    kill(f->pid, SIGHUP);
    says(f, "result=unchanged");
    kill(f->pid, SIGTERM);
    ends_with(f, 0);
    assert_true(said(f, "tls=same"));
    assert_int_equal(count(f, "event=tiny.worker_reload "), 0);
}

/* More reloads than a worker has carried out. */
static void
reloads_while_a_worker_is_busy_become_one(void **state)
{
    struct fixture *f = *state;
    int fd;
    assert_int_equal(mkfifo(f->gate, 0600), 0);
    start_ready(f, "blocks", "");
    kill(f->pid, SIGHUP);
    says(f, "event=tiny.worker_reload daemon=tiny worker=0");
    for (unsigned i = 0; i < 3; i++) { /* it hangs in the first one */
        kill(f->pid, SIGHUP);
        says(f, "result=done");
    }
    kill(f->pid, SIGTERM);
    says(f, "event=drain");
    kill(f->pid, SIGHUP);
    says(f, "result=done");
    fd = open(f->gate, O_RDWR); /* opens the gate, and it stays open */
    assert_true(fd >= 0);
    ends_with(f, 0);
    assert_false(said(f, "result=cut")); /* both workers got word of the drain */
    assert_int_equal(count(f, "event=tiny.worker_drain "), 2);
    was_torn_down(f);
}

/* --- systemd ------------------------------------------------------------------------------------
 */

static void
notified(int fd, const char *want)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    char text[256];
    for (;;) {
        ssize_t n;
        assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
        n = recv(fd, text, sizeof(text) - 1, 0);
        assert_true(n >= 0);
        text[n] = '\0';
        if (strstr(text, want) != NULL) {
            return;
        }
    }
}

static void
the_service_manager_is_told(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", f->pki.dir);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    setenv("NOTIFY_SOCKET", addr.sun_path, 1);
    setenv("WATCHDOG_USEC", "40000", 1);
    start_ready(f, "plain", "");
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    notified(fd, "READY=1");
    notified(fd, "WATCHDOG=1");
    notified(fd, "WATCHDOG=1");
    kill(f->pid, SIGHUP);
    notified(fd, "RELOADING=1");
    notified(fd, "READY=1");
    kill(f->pid, SIGTERM);
    notified(fd, "STOPPING=1");
    ends_with(f, 0);
    close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(options_that_only_print_are_status_0),
        CASE(wrong_usage_is_status_2),
        CASE(a_command_gets_its_arguments_and_gives_the_status),
        CASE(a_checked_configuration_is_ok_or_status_2),
        CASE(a_failing_open_is_status_1),
        CASE(a_failing_worker_takes_down_the_others),
        CASE(a_certificate_that_cannot_be_read_is_status_1),
        CASE(listeners_of_the_daemon_itself_can_fail_the_start),
        CASE(a_daemon_that_fails_later_is_status_1),
        CASE(a_signal_drains_and_stops),
        CASE(a_drain_waits_for_what_runs),
        CASE(a_drain_is_cut_after_its_time),
        CASE(a_second_signal_cuts_the_drain),
        CASE(a_reload_reaches_each_worker),
        CASE(a_bad_file_changes_nothing),
        CASE(what_the_role_refuses_changes_nothing_else),
        CASE(reloads_while_a_worker_is_busy_become_one),
        CASE(the_service_manager_is_told),
    };
    if (getenv("GC_TINY_ROLE") != NULL) {
        return gc_daemon_main(&tiny_role, argc, argv);
    }
    setenv("GC_TINY_ROLE", "1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
