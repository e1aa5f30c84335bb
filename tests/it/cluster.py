# SPDX-License-Identifier: GPL-3.0-or-later
"""What integration tests in Python share: a cluster of real processes in GC_TMPDIR, clients for it, and
the frame of a test program (case, main). See README.md beside it."""
import contextlib
import ctypes
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import xml.etree.ElementTree

SRCDIR = os.environ.get("GC_SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILDDIR = os.environ.get("GC_BUILDDIR") or os.path.join(SRCDIR, "build")
CAMPAIGN = bool(os.environ.get("GC_CAMPAIGN"))  # ./dev campaign: the long version
CTL = os.path.join(BUILDDIR, "src", "cli", "gcommonctl")
KIB, MIB = 1024, 1024 * 1024
# What a developer's shell, or a proxy of the machine, must not change in a test.
for _name in [name for name in os.environ if name.startswith("GCOMMON_") or name.lower().endswith("_proxy")]:
    del os.environ[_name]

sys.path.insert(0, os.path.join(SRCDIR, "tools", "dev"))
import nodes  # noqa: E402  pylint: disable=wrong-import-position

# --- the frame ---

_cases = []


class Skip(Exception):
    """This cannot be tried here; the text says why."""


def case(function):
    """Decorator: FUNCTION is a case, its name a sentence. Cases run in the order of the file."""
    _cases.append(function)
    return function


def check(condition, *facts):
    if not condition:
        raise AssertionError(" ".join(str(fact) for fact in facts) or "not so")


def equal(have, want, *facts):
    check(have == want, *facts, f"have {have!r}, want {want!r}")


def main(make=None, *args):
    """Run all cases, each with what MAKE(*args), a context manager, gives; one for all of them. Words
    on the command line choose cases by parts of their names. Ends the program."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # over time: still end what was started
    failed = passed = 0
    chosen = [c for c in _cases if len(sys.argv) < 2 or any(word in c.__name__ for word in sys.argv[1:])]
    with contextlib.ExitStack() as stack:
        bed = [stack.enter_context(make(*args))] if make else []
        for one in chosen:
            begun = time.monotonic()
            try:
                one(*bed)
            except Skip as skip:
                print(f"skipped: {one.__name__}: {skip}", flush=True)
                continue
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                traceback.print_exc(file=sys.stdout)
                print(f"FAILED: {one.__name__}: {error}", flush=True)
                continue
            passed += 1
            print(f"ok: {one.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
        if failed and bed and hasattr(bed[0], "tell"):
            bed[0].tell()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def wait_for(condition, what, seconds=60):
    """Until CONDITION() is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < deadline, f"after {seconds} s still not: {what}")
        time.sleep(0.02)


# --- content ---

class Content:
    """N reproducible bytes that do not compress and do not repeat, without being in memory; a file to
    read from."""
    BLOCK = random.Random(1).randbytes(MIB)

    def __init__(self, n, seed=0):
        self.n, self.seed, self.at = n, seed, 0

    def read(self, n=-1):
        n = self.n - self.at if n is None or n < 0 else min(n, self.n - self.at)
        parts = []
        while n > 0:
            number, offset = divmod(self.at, MIB)
            block = b"%016d%016d" % (self.seed, number) + self.BLOCK[32:]
            part = block[offset:offset + n]
            parts.append(part)
            self.at += len(part)
            n -= len(part)
        return b"".join(parts)

    def all(self):
        self.at = 0
        return self.read()

    def md5(self):
        digest, copy = hashlib.md5(), Content(self.n, self.seed)
        while part := copy.read(MIB):
            digest.update(part)
        return digest.hexdigest()


# --- clients ---

class Answer:
    """Status, header fields (names in lower case) and body."""

    def __init__(self, status, fields, body):
        self.status, self.body = status, body
        self.fields = {name.lower(): value for name, value in fields}

    def code(self):
        """S3's code of an XML error; None when the body is none."""
        try:
            root = xml.etree.ElementTree.fromstring(self.body)
        except xml.etree.ElementTree.ParseError:
            return None
        return root.findtext("Code") if root.tag == "Error" else None

    def xml(self):
        """The body's tree, names without their name space."""
        return xml.etree.ElementTree.fromstring(re.sub(rb' xmlns="[^"]*"', b"", self.body))

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:300]!r}>"


class Client:
    """HTTP/1.1 over TLS, one connection, made again when the server has closed it. PATH is what stands in
    the request line, so already percent-encoded."""

    def __init__(self, cluster, token=None, cert=None, node=None, timeout=120):
        node = node or cluster.of_role("web")[0]
        self.token = token
        self.conn = http.client.HTTPSConnection("127.0.0.1", node.port, timeout=timeout, context=cluster.tls(cert))

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.conn.close()

    def send(self, method, path, body=None, **fields):
        """Send a request; PATH may have any bytes above 0x20. The answer is still to be read."""
        fields = {name.replace("_", "-"): value for name, value in fields.items() if value is not None}
        if self.token is not None:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        self.conn.request(method, path, body=body, headers=fields)
        return self.conn.getresponse()

    def ask(self, method, path, body=None, **fields):
        response = self.send(method, path, body, **fields)
        return Answer(response.status, response.getheaders(), response.read())

    def get(self, path, **fields):
        return self.ask("GET", path, **fields)

    def head(self, path, **fields):
        return self.ask("HEAD", path, **fields)

    def put(self, path, body=b"", **fields):
        return self.ask("PUT", path, body, **fields)

    def put_content(self, path, content):
        """Stream CONTENT up."""
        return self.ask("PUT", path, content, Content_Length=str(content.n))

    def get_digest(self, path):
        """Stream it down; status, length and MD5."""
        response, digest, n = self.send("GET", path), hashlib.md5(), 0
        while part := response.read(256 * KIB):
            digest.update(part)
            n += len(part)
        return response.status, n, digest.hexdigest()

    def delete(self, path):
        return self.ask("DELETE", path)

    def list(self, bucket, **params):
        """One page: keys with their sizes, common prefixes, the next continuation token or None."""
        query = urllib.parse.urlencode({"list-type": "2", **{k.replace("_", "-"): v for k, v in params.items()}})
        answer = self.get(f"/{bucket}?{query}")
        equal(answer.status, 200, answer)
        tree = answer.xml()
        keys = [(row.findtext("Key"), int(row.findtext("Size"))) for row in tree.findall("Contents")]
        prefixes = [row.findtext("Prefix") for row in tree.findall("CommonPrefixes")]
        return keys, prefixes, tree.findtext("NextContinuationToken")

    def list_all(self, bucket, **params):
        """All pages."""
        keys, prefixes, token = self.list(bucket, **params)
        while token is not None:
            more_keys, more_prefixes, token = self.list(bucket, continuation_token=token, **params)
            check(more_keys or more_prefixes, "an empty page with a continuation")
            keys += more_keys
            prefixes += more_prefixes
        return keys, prefixes


def quote(key):
    """A key as part of a path: all but "/" and unreserved bytes percent-encoded."""
    return urllib.parse.quote(key if isinstance(key, bytes) else key.encode(), safe="/")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.unix_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self.unix_path)


# --- the cluster ---

_prctl = ctypes.CDLL(None).prctl
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """Between fork and exec: a test that is killed leaves no daemon behind."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Cluster(nodes.Cluster):
    """A throw-away one. SETTINGS: {"file": {"storage": {...}}}, also by name of a node."""

    def __init__(self, root, settings):
        super().__init__(root, BUILDDIR, settings, fixed_ports=False)
        self.before_exec = die_with_parent

    def client(self, **more):
        """Authenticated by the token."""
        more.setdefault("token", self.token)
        return Client(self, **more)

    def up(self, **counts):
        with self.locked():
            self.make(**counts)
        self.start()
        self.wait_ready(120)
        self.wait_servers(len(self.of_role("file")))

    def at_work(self, name):
        """It answers, and a file server has registered."""
        try:
            status = self.status(name)
        except OSError:
            return False
        return status["ready"] and status.get("number") != 0

    def wait_servers(self, n):
        """Until N file servers have registered: objects can be stored."""
        wait_for(lambda: self.metric("translation1", "gc_file_servers_up") == n, f"{n} file servers up")

    def restart(self, *names):
        """Start again those that do not run, and wait for the whole."""
        for name in names:
            self.node(name).start()
        for name in names:
            wait_for(lambda name=name: self.at_work(name), f"{name} is at work")
        self.wait_ready(120)
        self.wait_servers(len(self.of_role("file")))

    def status(self, name):
        """What the admin socket's /status says."""
        conn = _UnixConnection(self.node(name).admin)
        with contextlib.closing(conn):
            conn.request("GET", "/status")
            return json.loads(conn.getresponse().read())

    def metrics_text(self, name):
        conn = http.client.HTTPConnection("127.0.0.1", self.node(name).metrics_port, timeout=30)
        with contextlib.closing(conn):
            conn.request("GET", "/metrics")
            return conn.getresponse().read().decode()

    def metrics(self, name):
        """{'name{labels}': value}"""
        rows = [row.rsplit(" ", 1) for row in self.metrics_text(name).splitlines() if not row.startswith("#")]
        return {key: float(value) for key, value in rows}

    def metric(self, name, key):
        try:
            return self.metrics(name).get(key)
        except OSError:
            return None

    def memory(self, name):
        """RssAnon and VmHWM in bytes."""
        with open(f"/proc/{self.node(name).pid()}/status", encoding="ascii", errors="replace") as file:
            rows = dict(row.split(":", 1) for row in file)
        return tuple(int(rows[field].split()[0]) * KIB for field in ("RssAnon", "VmHWM"))

    def n_fds(self, name):
        return len(os.listdir(f"/proc/{self.node(name).pid()}/fd"))

    def log_count(self, name, text):
        """Lines with TEXT in them."""
        with open(self.node(name).log, encoding="utf-8", errors="replace") as file:
            return sum(text in row for row in file)

    def log_has(self, name, text):
        return self.log_count(name, text) > 0

    def sample_memory(self):
        """Context manager: the highest RssAnon and VmHWM of each daemon meanwhile, {name: (anon, hwm)}."""
        return _MemorySampler(self)

    def curl(self, *args, **more):
        """curl with CA and token; the CompletedProcess."""
        return subprocess.run(["curl", "-sS", "--max-time", "120", "--cacert", self.ca, "-H",
                               f"Authorization: Bearer {self.token}", *args],
                              capture_output=True, check=False, **more)

    def ctl(self, *args, **more):
        """gcommonctl with the environment of run/env."""
        env = dict(os.environ, GCOMMON_URL=self.url, GCOMMON_CA=self.ca, GCOMMON_TOKEN=self.token)
        return subprocess.run([CTL, *args], env=env, capture_output=True, check=False, **more)

    def tell(self):
        """The end of every log, for whoever reads why a case failed."""
        for node in self.nodes:
            print(f"--- {node.name}, {'pid ' + str(node.pid()) if node.pid() else 'ended'}\n{node.log_tail(30)}")

    def sanitized(self):
        """What sanitizers said in the logs."""
        rows = []
        for node in self.nodes:
            with contextlib.suppress(OSError), open(node.log, encoding="utf-8", errors="replace") as file:
                rows += [f"{node.name}: {row.strip()}" for row in file
                         if re.search(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer", row)]
        return rows


class _MemorySampler(dict):
    def __init__(self, cluster):
        super().__init__()
        self.cluster, self.over = cluster, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _sample(self):
        for node in self.cluster.nodes:
            with contextlib.suppress(OSError, KeyError):
                self[node.name] = tuple(map(max, self.get(node.name, (0, 0)), self.cluster.memory(node.name)))

    def _run(self):
        while not self.over.wait(0.02):
            self._sample()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exception):
        self.over.set()
        self.thread.join()
        self._sample()

    def text(self):
        return ", ".join(f"{name} {anon / MIB:.1f}/{hwm / MIB:.1f} MiB" for name, (anon, hwm) in self.items())


@contextlib.contextmanager
def cluster(settings=None, ready=True, **counts):
    """A running cluster of 1 web, 1 translation and 1 file server, or COUNTS of them; it is ended after.
    It is in GC_TMPDIR, where the runner leaves it when the test fails."""
    parent = os.environ.get("GC_TMPDIR")
    root = tempfile.mkdtemp(prefix="cluster-", dir=parent)
    settings = nodes.merge({"file": {"storage": {"reserve": "64M"}}}, settings or {})
    bed = Cluster(root, settings)
    try:
        if ready:
            bed.up(**counts)
        yield bed
    except nodes.Failure:
        bed.tell()
        raise
    finally:
        killed = bed.stop()
        found = bed.sanitized()
        if parent is None:
            shutil.rmtree(root, ignore_errors=True)
        if found or killed:
            print("\n".join(found + [f"{name} had to be killed" for name in killed]))
            print("0 passed, 1 failed")
            sys.exit(1)
