#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every daemon does the same way: options, configuration, signals, metrics, admin socket."""
import os
import re
import shutil
import signal
import ssl
import socket
import stat
import subprocess
import threading
import time

from cluster import BUILDDIR, KIB, MIB, Content, Skip, case, check, cluster, equal, main, nodes, wait_for

ROLES = nodes.ROLES
DRAIN_S = 60
START_MS_MAX = 2000  # on a machine with other work; 200 is what is wanted on a quiet one


def program(role):
    return os.path.join(BUILDDIR, "src", role, f"gcommon-{role}")


def run(role, *args):
    return subprocess.run([program(role), *args], capture_output=True, text=True, check=False, timeout=60)


@case
def help_and_version_go_to_stdout(_bed):
    for role in ROLES:
        done = run(role, "--version")
        check(done.returncode == 0 and re.fullmatch(rf"gcommon-{role} \d+\.\d+\.\d+\S*\n", done.stdout), role, done)
        done = run(role, "--help")
        check(done.returncode == 0 and "--check-config" in done.stdout and done.stderr == "", role, done)


@case
def wrong_usage_is_status_2(_bed):
    for role in ROLES:
        for args in (["--nonsense"], ["--config"], ["nonsense"], ["--check-config", "extra"]):
            done = run(role, *args)
            check(done.returncode == 2 and done.stderr and not done.stdout, role, args, done)


@case
def good_configuration_is_ok(bed):
    for node in bed.nodes:
        done = run(node.role, "--config", node.conf, "--check-config")
        equal((done.returncode, done.stderr), (0, ""), node.name)


@case
def printed_configuration_is_a_good_one(bed):
    for node in bed.nodes:
        text = run(node.role, "--print-config").stdout
        check("[tls]" in text and "drain_ms" in text, text)
        with open(node.conf, encoding="utf-8") as file:
            conf = file.read()
        path = bed.path("etc", node.name + "-printed.conf")
        nodes.write_file(path, text)
        drop_in = path[:-5] + ".conf.d"
        os.makedirs(drop_in, exist_ok=True)
        nodes.write_file(drop_in + "/10-ours.conf", conf)
        done = run(node.role, "--config", path, "--check-config")
        equal((done.returncode, done.stderr), (0, ""), node.name)


@case
def errors_name_file_and_line(bed):
    for node in bed.nodes:
        with open(node.conf, encoding="utf-8") as file:
            rows = file.read().splitlines()
        for wrong in ("unknown_key = 1", "drain_ms = soon", "drain_ms = 99999999999", "[unknown]", "no equals sign"):
            at = rows.index("[daemon]") + 1
            path = bed.path("etc", "wrong.conf")
            nodes.write_file(path, "\n".join(rows[:at] + [wrong] + rows[at:]) + "\n")
            for args in (["--check-config"], []):
                done = run(node.role, "--config", path, *args)
                equal(done.returncode, 2, node.name, wrong, done)
                check(f"{path}:{at + 1}: " in done.stderr, node.name, wrong, done)
        done = run(node.role, "--config", bed.path("etc", "nowhere.conf"), "--check-config")
        check(done.returncode == 2 and "nowhere.conf" in done.stderr, done)


@case
def key_that_others_can_read_is_refused(bed):
    for node in bed.nodes:
        key = bed.path("pki", node.name + ".key")
        os.chmod(key, 0o644)
        done = run(node.role, "--config", node.conf)
        os.chmod(key, 0o600)
        equal(done.returncode, 1, node.name, done)
        check(key in done.stderr, done.stderr)


@case
def admin_socket_tells_the_status(bed):
    for node in bed.nodes:
        done = subprocess.run(["curl", "-sS", "--unix-socket", node.admin, "http://localhost/status"], capture_output=True,
                              text=True, check=False)
        check(f'"node":"{node.name}"' in done.stdout, done)
        status = bed.status(node.name)
        equal((status["role"], status["pid"], status["ready"]), (node.role, node.pid(), True))
        check(node.address in status["listen"].values(), status)
        equal(stat.S_IMODE(os.stat(node.admin).st_mode) & 0o007, 0, "others may use", node.admin)


@case
def reloads_by_the_admin_socket_are_logged_with_who_asked(bed):
    for node in bed.nodes:
        for _ in range(20):
            done = subprocess.run(["curl", "-sS", "-X", "POST", "--unix-socket", node.admin, "http://localhost/reload"],
                                  capture_output=True, text=True, check=False)
            equal(done.stdout, "reloaded\n", node.name, done)
        with open(node.log, encoding="utf-8") as file:
            rows = [row for row in file if "event=admin" in row and "/reload" in row]
        check(len(rows) == 20 and f"uid:{os.getuid()}," in rows[0], node.name, rows[:1])
    equal(bed.client().get("/").status, 200)


@case
def metrics_are_well_formed_and_on_loopback(bed):
    for node in bed.nodes:
        text = bed.metrics_text(node.name)
        names = re.findall(r"^# TYPE (\S+) (counter|gauge|histogram)$", text, re.MULTILINE)
        check(len(names) > 5 and len(names) == len(set(names)), node.name, text)
        for row in text.splitlines():
            check(row.startswith("#") or re.fullmatch(r'[a-zA-Z_:][\w:]*(\{([a-z_]+="[^"\n]*",?)*\})? [-+0-9.einfNa]+', row),
                  node.name, row)
        check(bed.token not in text)
        with open("/proc/net/tcp", encoding="ascii") as file:
            listens = [row.split()[1] for row in file if row.split()[3] == "0A"]
        port = f":{node.metrics_port:04X}"
        check([address for address in listens if address.endswith(port)] == ["0100007F" + port], listens)


@case
def promtool_finds_nothing_wrong(bed):
    if shutil.which("promtool") is None:
        raise Skip("promtool is not installed")
    for node in bed.nodes:
        done = subprocess.run(["promtool", "check", "metrics"], input=bed.metrics_text(node.name), capture_output=True,
                              text=True, check=False)
        equal(done.returncode, 0, node.name, done.stdout, done.stderr)


@case
def daemons_are_small_and_start_soon(bed):
    for node in bed.nodes:
        anon, hwm = bed.memory(node.name)
        with open(node.log, encoding="utf-8") as file:
            ready = re.search(r"event=ready .*after_ms=(\d+)", file.read())
        print(f"{node.name}: RssAnon {anon / MIB:.1f} MiB, VmHWM {hwm / MIB:.1f} MiB, ready after {ready.group(1)} ms")
        check(anon < 24 * MIB, node.name, anon)
        check(int(ready.group(1)) < START_MS_MAX, ready.group(0))


@case
def cores_and_tracing_are_off(bed):
    for node in bed.nodes:
        with open(f"/proc/{node.pid()}/limits", encoding="ascii") as file:
            limit = next(row for row in file if row.startswith("Max core file size"))
        equal(limit.split()[4:6], ["0", "0"], node.name)
        with open(f"/proc/{node.pid()}/status", encoding="ascii") as file:
            status = file.read()
        check("NoNewPrivs:\t1" in status, node.name)
        equal(os.stat(f"/proc/{node.pid()}/environ").st_uid, 0, node.name)  # undumpable


def serial(bed, node, cert=None):
    """The number of the certificate that NODE shows to new connections."""
    context = bed.tls(cert)
    with socket.create_connection(("127.0.0.1", node.port), 30) as sock:
        with context.wrap_socket(sock, server_hostname="127.0.0.1") as tls:
            return tls.getpeercert()["serialNumber"]


@case
def hangup_takes_new_certificates_and_drops_no_connection(bed):
    client = bed.client()
    equal(client.put("/daemon").status, 200)
    slow = bed.client()
    content = Content(24 * MIB)
    equal(slow.put_content("/daemon/slow", content).status, 200)
    response = slow.send("GET", "/daemon/slow")
    got = response.read(MIB)
    sock = client.conn.sock
    before = {node.name: serial(bed, node, "web1") for node in bed.nodes}
    for node in bed.nodes:
        bed.issue(node.name, node.role, node.name, "--ip", "127.0.0.1", "--dns", "localhost")
    bed.issue("public", "web", "web1", "--ip", "127.0.0.1", "--dns", "localhost")
    for node in bed.nodes:
        node.signal(signal.SIGHUP)
    for node in bed.nodes:
        wait_for(lambda node=node: serial(bed, node, "web1") != before[node.name], f"{node.name} shows the new one")
    equal(client.put("/daemon/after", b"after").status, 200)
    check(client.conn.sock is sock, "the connection was dropped")
    while part := response.read(MIB):
        got += part
    check(got == Content(24 * MIB).all(), "the download was cut")
    equal(bed.client().get("/daemon/after").body, b"after")


@case
def hangup_with_bad_files_changes_nothing(bed):
    for node in bed.nodes:
        cert = bed.path("pki", ("public" if node.role == "web" else node.name) + ".pem")
        kept = cert + ".kept"
        os.rename(cert, kept)
        nodes.write_file(cert, "nonsense\n")
        node.signal(signal.SIGHUP)
        wait_for(lambda node=node: bed.log_has(node.name, "result=unchanged"), f"{node.name} has refused")
        os.rename(kept, cert)
        check(serial(bed, node, "web1"))
    equal(bed.client().get("/daemon/after").body, b"after")


@case
def terminated_web_finishes_what_runs(bed):
    content = Content(4 * MIB)
    client = bed.client()
    client.conn.putrequest("PUT", "/daemon/drained")
    client.conn.putheader("Authorization", f"Bearer {bed.token}")
    client.conn.putheader("Content-Length", str(content.n))
    client.conn.endheaders()
    client.conn.send(content.read(MIB))
    node = bed.node("web1")
    wait_for(lambda: bed.status("file1")["puts_open"] == 1, "the upload is open")
    node.signal(signal.SIGTERM)
    wait_for(lambda: bed.log_has("web1", "event=drain "), "it drains")
    wait_for(lambda: refused(node), "no new connections")
    client.conn.send(content.read())
    response = client.conn.getresponse()
    equal(response.status, 200)
    response.read()
    check(node.wait_gone(30), "it has not ended")
    equal(node.child.wait(60), 0)
    bed.restart("web1")
    equal(bed.client().get_digest("/daemon/drained"), (200, content.n, content.md5()))


def refused(node):
    try:
        socket.create_connection(("127.0.0.1", node.port), 30).close()
        return False
    except ConnectionRefusedError:
        return True


@case
def every_daemon_drains_and_ends_with_status_0(bed):
    stop = threading.Event()
    statuses = set()

    def load():
        i = 0
        while not stop.is_set():
            i += 1
            try:
                with bed.client(timeout=60) as client:
                    statuses.add(client.put(f"/daemon/load{i % 50}", Content(100 * KIB, i).all()).status)
            except (OSError, ssl.SSLError):
                pass

    loader = threading.Thread(target=load)
    loader.start()
    try:
        for name in ("file1", "translation1", "web1"):
            node = bed.node(name)
            node.signal(signal.SIGTERM)
            check(node.wait_gone(30), name, "has not ended")
            equal(node.child.wait(60), 0, name, node.log_tail())
            bed.restart(name)
    finally:
        stop.set()
        loader.join()
    check(200 in statuses and statuses <= {200, 503}, statuses)


@case
def second_signal_does_not_wait(bed):
    response = bed.client().send("GET", "/daemon/slow")
    response.read(KIB)  # and no more: it hangs
    node = bed.node("web1")
    n = bed.log_count("web1", "event=drain ")
    node.signal(signal.SIGTERM)
    wait_for(lambda: bed.log_count("web1", "event=drain ") > n, "it drains")
    begun = time.monotonic()
    node.signal(signal.SIGTERM)
    check(node.wait_gone(60), "it waits")
    check(time.monotonic() - begun < DRAIN_S / 2, "it has waited for the drain's end")
    bed.restart("web1")


main(cluster, {"web": {"daemon": {"drain_ms": 1000 * DRAIN_S}}})
