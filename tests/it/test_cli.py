#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcommonctl against real daemons: trees, large objects, listings, signals, restarts, exit statuses."""
import json
import os
import pty
import re
import signal
import subprocess
import threading

from cluster import CTL, KIB, MIB, Content, case, check, cluster, equal, main, wait_for

TREE = "/usr/share/doc"
LARGE = 128 * MIB
MEMORY_MAX = 64 * MIB  # of gcommonctl
ODD_NAMES = [b"a b", b"new\nline", b"tab\there", b"-dash", b"back\\slash", b"%2e%2e", b"quote'\"", b"...", b"~",
             "äö/日本/\U0001f600".encode(), b"n" * 255, b"x" * 200 + b"/" + b"y" * 200, b"d/" * 100 + b"deep"]


def env(bed, **more):
    return dict(os.environ, GCOMMON_URL=bed.url, GCOMMON_CA=bed.ca, GCOMMON_TOKEN=bed.token, **more)


def ctl(bed, *args, status=0, **more):
    """Standard output; the exit status must be STATUS."""
    done = bed.ctl(*args, **more)
    equal(done.returncode, status, args, done.stderr)
    return done.stdout


def ctl_json(bed, *args):
    return json.loads(ctl(bed, "--json", *args))


def start(bed, *args, **more):
    return subprocess.Popen([CTL, *args], env=env(bed), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def files_below(root):
    """{path below ROOT: path} of the regular files, all as bytes."""
    found = {}
    for folder, _, names in os.walk(os.fsencode(root)):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                found[os.path.relpath(path, os.fsencode(root))] = path
    return found


def content(path):
    with open(path, "rb") as file:
        return file.read()


def check_same(have_root, want_root):
    have, want = files_below(have_root), files_below(want_root)
    equal(sorted(have), sorted(want))
    for name, path in want.items():
        check(content(have[name]) == content(path), name, "is not the same")
    return len(want)


def write_content(path, one):
    with open(path, "wb") as file:
        while part := one.read(MIB):
            file.write(part)


def large_file(bed):
    path = bed.path("large")
    if not os.path.exists(path):
        write_content(path, Content(LARGE))
    return path


def high_water(pid):
    """VmHWM in bytes; 0 when the process has just ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            found = re.search(r"VmHWM:\s+(\d+) kB", file.read())
    except OSError:
        return 0
    return int(found.group(1)) * KIB if found else 0


@case
def buckets_are_made_listed_and_removed(bed):
    ctl(bed, "mb", "first")
    equal([row["name"] for row in ctl_json(bed, "ls")], ["first"])
    equal(ctl_json(bed, "stat", "first"), {"bucket": "first"})
    ctl(bed, "mb", "first", status=1)
    ctl(bed, "rb", "first")
    ctl(bed, "stat", "first", status=3)


@case
def cluster_tells_its_status(bed):
    status = ctl_json(bed, "status")
    equal(status["node"], "translation1")
    equal([(row["node"], row["up"]) for row in status["servers"]], [("file1", True)])
    check(b"file1" in ctl(bed, "status"))


@case
def real_tree_goes_and_comes_back(bed):
    ctl(bed, "mb", "tree")
    done = ctl_json(bed, "put", "-r", TREE, "tree/usr/doc")
    got = ctl_json(bed, "get", "-r", "tree/usr", bed.path("back"))
    n = check_same(os.path.join(bed.path("back"), "doc"), TREE)
    equal((done["stored"], done["failed"], got["got"], got["failed"]), (n, 0, n, 0))
    equal(done["bytes"], got["bytes"])
    print(f"{n} files, {done['bytes'] / 1e6:.0f} MB: put {done['seconds']} s, get {got['seconds']} s")


@case
def listings_are_the_tree(bed):
    names = files_below(TREE)
    rows = ctl_json(bed, "ls", "-r", "tree")
    equal([row["key"].encode() for row in rows], sorted(b"usr/doc/" + name for name in names))
    equal([row["length"] for row in rows], [os.stat(names[row["key"].encode()[8:]]).st_size for row in rows])
    top = {name.split(b"/")[0] for name in names if b"/" in name}
    prefixes = [row["prefix"].encode() for row in ctl_json(bed, "ls", "tree/usr/doc/") if "prefix" in row]
    equal(prefixes, sorted(b"usr/doc/" + name + b"/" for name in top))


@case
def odd_names_go_and_come_back_byte_for_byte(bed):
    root = os.fsencode(bed.path("odd"))
    for i, name in enumerate(ODD_NAMES):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name * i)  # the first is empty
    ctl(bed, "mb", "odd")
    equal(ctl_json(bed, "put", "-r", bed.path("odd"), "odd")["failed"], 0)
    equal([row["key"].encode() for row in ctl_json(bed, "ls", "-r", "odd")], sorted(ODD_NAMES))
    ctl(bed, "get", "-r", "odd", bed.path("odd-back"))
    check_same(bed.path("odd-back"), bed.path("odd"))
    # Upon the same files again, and what a browser's client stored comes along.
    equal(bed.client().put("/odd/by%20http", b"hello").status, 200)
    ctl(bed, "get", "-r", "odd", bed.path("odd-back"))
    equal(content(os.path.join(bed.path("odd-back"), "by http")), b"hello")


@case
def what_no_file_can_be_called_is_refused(bed):
    ctl(bed, "mb", "bad")
    for key in ("good", "a/%2E%2E/%2E%2E/%2E%2E/escape", "a//b", "%2Fetc/x", "a/%2E", "folder/"):
        equal(bed.client().put(f"/bad/{key}", b"x").status, 200, key)
    done = bed.ctl("--json", "get", "-r", "bad", bed.path("bad"))
    equal(done.returncode, 1, done.stderr)
    equal((json.loads(done.stdout)["got"], json.loads(done.stdout)["failed"]), (1, 5))
    equal(list(files_below(bed.path("bad"))), [b"good"])
    check(not os.path.exists(bed.path("escape")) and b"component '.' or '..'" in done.stderr, done.stderr)


@case
def large_object_goes_and_comes_back_in_bounded_memory(bed):
    ctl(bed, "mb", "large")
    for args in (("put", large_file(bed), "large/one"), ("get", "large/one", bed.path("large-back"))):
        with start(bed, *args) as process:
            high = 0
            while process.poll() is None:
                high = max(high, high_water(process.pid))
        equal(process.returncode, 0, args)
        print(f"{args[0]}: {high / MIB:.1f} MiB resident at most")
        check(0 < high <= MEMORY_MAX, args[0], high)
    head = ctl_json(bed, "stat", "large/one")
    equal((head["length"], head["etag"]), (LARGE, Content(LARGE).md5()))
    equal(subprocess.run(["cmp", large_file(bed), bed.path("large-back")], check=False).returncode, 0)


@case
def pipes_at_both_ends(bed):
    line = f'"{CTL}" get large/one - | "{CTL}" put - large/two && "{CTL}" get large/two - | md5sum'
    done = subprocess.run(["sh", "-c", line], env=env(bed), capture_output=True, check=False)
    equal(done.stdout.split()[:1], [Content(LARGE).md5().encode()], done.stderr)


@case
def object_ends_where_http_clients_see_it(bed):
    ctl(bed, "put", "--content-type", "text/plain", "-", "large/note", input=b"hello")
    answer = bed.client().get("/large/note")
    equal((answer.body, answer.fields["content-type"]), (b"hello", "text/plain"))
    equal(ctl_json(bed, "stat", "large/note")["fields"]["content-type"], "text/plain")
    ctl(bed, "rm", "large/note", "large/never-was")
    equal(bed.client().get("/large/note").status, 404)


@case
def errors_have_their_exit_status(bed):
    ctl(bed, "get", "large/none", bed.path("none"), status=3)
    check(not os.path.exists(bed.path("none")))
    ctl(bed, "ls", "nowhere", status=3)
    ctl(bed, "--token", "wrong", "ls", "large", status=4)
    ctl(bed, "pki", "init", "--trust-domain", "other.example", "--dir", bed.path("other"))
    ctl(bed, "--ca", bed.path("other", "ca.pem"), "ls", "--retries", "0", status=5)
    ctl(bed, "--url", "https://127.0.0.1:1", "ls", "--retries", "1", status=5)
    ctl(bed, "rb", "large", status=1)
    ctl(bed, "rb", "Large", status=2)


@case
def client_certificate_is_enough(bed):
    variables = env(bed, GCOMMON_CERT=bed.path("pki", "user.pem"), GCOMMON_KEY=bed.path("pki", "user.key"))
    del variables["GCOMMON_TOKEN"]
    done = subprocess.run([CTL, "mb", "by-cert"], env=variables, capture_output=True, check=False)
    equal(done.returncode, 0, done.stderr)
    done = subprocess.run([CTL, "put", "/etc/passwd", "by-cert/x"], env=variables, capture_output=True, check=False)
    equal(done.returncode, 0, done.stderr)


@case
def interrupted_transfers_leave_nothing(bed):
    folder = bed.path("cut")
    os.mkdir(folder)
    # A put whose input never ends, cut after it has begun; a get whose reader does not read.
    with start(bed, "put", "-", "large/cut", stdin=subprocess.PIPE) as put:
        put.stdin.write(Content(4 * MIB).all())
        put.stdin.flush()
        put.send_signal(signal.SIGINT)
        equal(put.wait(60), 130, put.stderr.read())
    ctl(bed, "stat", "large/cut", status=3)
    with start(bed, "get", "large/one", os.path.join(folder, "one"), "--quiet") as get:
        wait_for(lambda: os.listdir(folder) or get.poll() is not None, "the transfer has begun")
        get.send_signal(signal.SIGINT)
        status = get.wait(60)
    check(status == 130 and not os.listdir(folder) or status == 0 and os.listdir(folder) == ["one"], status)
    with start(bed, "get", "large/one", "-") as get:
        equal(len(get.stdout.read(MIB)), MIB)
        get.send_signal(signal.SIGTERM)
        equal(get.wait(60), 130)


@case
def restarts_of_web_are_survived(bed):
    failures = []

    def transfer(*args):
        done = bed.ctl(*args, "--retries", "50")
        if done.returncode != 0:
            failures.append((args, done.stderr))

    threads = [threading.Thread(target=transfer, args=("put", large_file(bed), "large/again")),
               threading.Thread(target=transfer, args=("get", "large/one", bed.path("again")))]
    for thread in threads:
        thread.start()
    for _ in range(2):
        bed.node("web1").kill()
        bed.restart("web1")
    for thread in threads:
        thread.join()
    equal(failures, [])
    equal(ctl_json(bed, "stat", "large/again")["etag"], Content(LARGE).md5())
    equal(subprocess.run(["cmp", large_file(bed), bed.path("again")], check=False).returncode, 0)


@case
def terminal_sees_progress(bed):
    ours, theirs = pty.openpty()
    with subprocess.Popen([CTL, "put", large_file(bed), "large/seen"], env=env(bed), stderr=theirs) as put:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:
            pass  # the end of a terminal
        equal(put.wait(), 0, text)
    os.close(ours)
    check(re.search(rb"\r0 objects, [0-9.]+ [KM]iB of 128 MiB, [0-9.]+ [KM]iB/s", text), text)
    check(text.endswith(b"\r\x1b[K"), text)


@case
def removal_is_recursive_when_asked(bed):
    n = ctl_json(bed, "rm", "-r", "tree/usr/doc/" + sorted(os.listdir(TREE))[0])["removed"]
    left = len(ctl_json(bed, "ls", "-r", "tree"))
    equal(ctl_json(bed, "rb", "-r", "tree"), {"bucket": "tree", "removed": left})
    equal(n + left, len(files_below(TREE)))
    equal(ctl_json(bed, "rb", "-r", "large")["bucket"], "large")


main(cluster)
