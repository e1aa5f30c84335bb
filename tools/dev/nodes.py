# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of real processes on this machine; ./dev run and the integration tests start theirs by it.

All of it lives in one folder (mode 0700):
  cluster.json   what was chosen once and is kept: id, principal, token, nodes and their addresses
  pki/           the authority and the certificates, made by gcommonctl
  tokens         hashes of bearer tokens, as the daemons read them
  etc/, log/, pid/, sock/, data/   <node>.conf, .log, .pid, .sock, folder of the store

A process is known by its pid file: pid, start time and boot; it is signalled through a pidfd that was
checked against all three, so a pid that another process has got since is never touched.
"""
import contextlib
import fcntl
import http.client
import json
import os
import random
import secrets
import select
import signal
import socket
import ssl
import subprocess
import tempfile
import time

SOCKET_PATH_MAX = 100  # the kernel takes 107 bytes
ROLES = ("translation", "file", "web")  # in the order of their start
PORTS = {"web": (8443, 9464), "translation": (7400, 9465), "file": (7500, 9466)}
TRUST_DOMAIN = "gcommon.local"
RENEW_AFTER_S = 300 * 86400  # certificates are valid for 365 days


class Failure(Exception):
    """What the caller is told; not a fault of this program."""


def port_free(port):
    # Without SO_REUSEPORT: the daemons use it, and would share the port of another cluster unnoticed.
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def pick_port(wish, taken):
    """WISH if it is free, else one below the range that the kernel gives to outgoing connections."""
    candidates = [wish] if wish else []
    candidates += random.SystemRandom().sample(range(20000, 32000), 200)
    for port in candidates:
        if port not in taken and port_free(port):
            taken.add(port)
            return port
    raise Failure("no free port found")


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def start_time(pid):
    """In ticks since boot; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return None


def write_file(path, text, mode=0o600):
    """Whole or not at all."""
    with open(path + ".new", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, mode)) as file:
        file.write(text)
    os.replace(path + ".new", path)


def merge(base, more):
    """Nested dictionaries: what MORE has replaces what BASE has. BASE."""
    for key, value in more.items():
        if isinstance(value, dict):
            merge(base.setdefault(key, {}), value)
        else:
            base[key] = value
    return base


class Node:
    """One daemon: its role, name, addresses, and process if it runs."""

    def __init__(self, cluster, role, name, port, metrics_port):
        self.cluster = cluster
        self.role = role
        self.name = name
        self.port = port
        self.metrics_port = metrics_port
        self.child = None  # when this process started it

    def path(self, folder, suffix):
        return self.cluster.path(folder, self.name + suffix)

    address = property(lambda self: f"127.0.0.1:{self.port}")
    metrics = property(lambda self: f"127.0.0.1:{self.metrics_port}")
    admin = property(lambda self: os.path.join(self.cluster.state["sock_dir"], self.name + ".sock"))
    conf = property(lambda self: self.path("etc", ".conf"))
    log = property(lambda self: self.path("log", ".log"))

    def _recorded(self):
        try:
            with open(self.path("pid", ".pid"), encoding="ascii") as file:
                pid, started, boot = file.read().split()
            return int(pid), int(started), boot
        except (OSError, ValueError):
            return None

    @contextlib.contextmanager
    def _held(self):
        """A pidfd of our process, which may have ended but is no other; None when it is gone."""
        record, pidfd = self._recorded(), None
        if record is not None and record[2] == boot_id():
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(record[0])
        try:
            yield pidfd if pidfd is not None and start_time(record[0]) == record[1] else None
        finally:
            if pidfd is not None:
                os.close(pidfd)

    def wait_gone(self, seconds):
        """True when there is no process at the latest after SECONDS. The pidfd becomes readable when the
        last thread has ended, and with it all sockets."""
        with self._held() as pidfd:
            gone = pidfd is None or select.select([pidfd], [], [], seconds)[0] != []
        if gone and self.child is not None:
            self.child.wait()  # reaps it
        return gone

    def pid(self):
        """Of the running process, or None."""
        record = self._recorded()
        return None if record is None or self.wait_gone(0) else record[0]

    def stopped(self):
        """It was told to end, by stop() here or elsewhere."""
        return not os.path.exists(self.path("pid", ".pid"))

    def start(self):
        for port in (self.port, self.metrics_port):
            if not port_free(port):
                raise Failure(f"port {port} of {self.name} is taken by another process")
        program = os.path.join(self.cluster.builddir, "src", self.role, f"gcommon-{self.role}")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [program, "--config", self.conf], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, cwd="/", preexec_fn=self.cluster.before_exec, env=dict(os.environ, **self.cluster.env))
        pid = self.child.pid
        write_file(self.path("pid", ".pid"), f"{pid} {start_time(pid)} {boot_id()}\n")

    def signal(self, signum):
        """True when the process was there to get it."""
        with self._held() as pidfd:
            if pidfd is None:
                return False
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signum)
                return True
        return False

    def stop(self, seconds=15):
        """Drain it; kill it when that takes too long. True when it ended by itself."""
        clean = True
        if self.signal(signal.SIGTERM) and not self.wait_gone(seconds):
            clean = False
            self.kill()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("pid", ".pid"))
        return clean

    def kill(self):
        self.signal(signal.SIGKILL)
        if not self.wait_gone(30):
            raise Failure(f"{self.name} does not end")

    def log_tail(self, n=20):
        with contextlib.suppress(OSError):
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-n:])
        return ""

    def as_json(self):
        return {"role": self.role, "node": self.name, "pid": self.pid(), "running": self.pid() is not None,
                "addresses": {"public" if self.role == "web" else "rpc": self.address, "metrics": self.metrics},
                "admin_socket": self.admin, "config": self.conf, "log": self.log}


class Cluster:
    """The folder ROOT and the nodes in it. SETTINGS change the daemons' configuration:
    {"file": {"storage": {"gc_delay_ms": 0}}}."""

    def __init__(self, root, builddir, settings=None, fixed_ports=True):
        self.root = os.path.abspath(root)
        self.builddir = os.path.abspath(builddir)
        self.settings = settings or {}
        self.fixed_ports = fixed_ports
        self.env = {}  # of the daemons, beside ours
        self.before_exec = None  # called in each daemon's process before it is one
        self.nodes = []
        self.state = {}
        self._load()

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def of_role(self, role):
        return [node for node in self.nodes if node.role == role]

    def node(self, name):
        return next(node for node in self.nodes if node.name == name)

    url = property(lambda self: f"https://{self.of_role('web')[0].address}")
    ca = property(lambda self: self.path("pki", "ca.pem"))
    token = property(lambda self: self.state["token"])

    @contextlib.contextmanager
    def locked(self):
        """One of us at a time."""
        os.makedirs(self.root, mode=0o700, exist_ok=True)
        with open(self.path("lock"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._load()
            yield

    def _load(self):
        known = {node.name: node for node in self.nodes}
        try:
            with open(self.path("cluster.json"), encoding="utf-8") as file:
                self.state = json.load(file)
        except FileNotFoundError:
            return
        self.nodes = [known.get(row["node"]) or Node(self, row["role"], row["node"], row["port"], row["metrics_port"])
                      for row in self.state["nodes"]]

    def _save(self):
        self.state["nodes"] = [{"role": node.role, "node": node.name, "port": node.port,
                                "metrics_port": node.metrics_port} for node in self.nodes]
        write_file(self.path("cluster.json"), json.dumps(self.state, indent=2) + "\n")

    def _ctl(self, *args):
        done = subprocess.run([os.path.join(self.builddir, "src", "cli", "gcommonctl"), *args],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"gcommonctl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def issue(self, out, role, node, *more):
        self._ctl("pki", "issue", "--dir", self.path("pki"), "--role", role, "--node", node,
                  "--out", self.path("pki", out), "--force", *more)

    def _issue_if_due(self, out, role, node, *more):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - os.stat(self.path("pki", out + ".pem")).st_mtime < RENEW_AFTER_S:
                return
        self.issue(out, role, node, *more)

    def _sock_dir(self):
        """Where the admin sockets are: sock/, or if its path is too long for a socket, in /tmp."""
        if len(os.fsencode(self.path("sock", "translation99.sock"))) <= SOCKET_PATH_MAX:
            return self.path("sock")
        return tempfile.mkdtemp(prefix="gcommon-", dir="/tmp")

    def make(self, **counts):
        """Make the folder, or what it lacks until it has COUNTS nodes of each role. Nodes are never
        taken away: file servers have data. Call it locked."""
        os.chmod(self.root, 0o700)
        for folder in ("pki", "etc", "log", "pid", "sock", "data"):
            os.makedirs(self.path(folder), mode=0o700, exist_ok=True)
        if not os.path.exists(self.ca):
            self._ctl("pki", "init", "--trust-domain", TRUST_DOMAIN, "--dir", self.path("pki"))
        if not self.state:
            self.state = {"cluster_id": secrets.token_hex(16), "principal": "dev",
                          "token": self._ctl("token", "create", "--principal", "dev", "--role", "admin",
                                             "--file", self.path("tokens"))}
        if not os.path.isdir(self.state.get("sock_dir", "")):
            self.state["sock_dir"] = self._sock_dir()
        taken = {port for node in self.nodes for port in (node.port, node.metrics_port)}
        for role in ROLES:
            for i in range(len(self.of_role(role)), counts.get(role, 1)):
                wish, wish_metrics = PORTS[role] if i == 0 and self.fixed_ports else (None, None)
                self.nodes.append(Node(self, role, f"{role}{i + 1}", pick_port(wish, taken),
                                       pick_port(wish_metrics, taken)))
        self._save()
        for node in self.nodes:
            self._issue_if_due(node.name, node.role, node.name, "--ip", "127.0.0.1", "--dns", "localhost")
            self.write_conf(node)
        self._issue_if_due("public", "web", "web1", "--ip", "127.0.0.1", "--dns", "localhost")
        self._issue_if_due("user", "user", self.state["principal"], "--client")
        self._write_env()

    def _conf_of(self, node):
        translation = " ".join(n.address for n in self.of_role("translation"))
        conf = {
            "daemon": {"node": node.name, "admin_socket": node.admin, "drain_ms": 5000},
            "metrics": {"listen": node.metrics},
            "tls": {"cert": self.path("pki", node.name + ".pem"), "key": self.path("pki", node.name + ".key"),
                    "ca": self.ca, "trust_domain": TRUST_DOMAIN},
        }
        if node.role == "translation":
            conf["rpc"] = {"listen": node.address}
            conf["state"] = {"dir": self.path("data", node.name), "cluster_id": self.state["cluster_id"]}
            conf["auth"] = {"tokens": self.path("tokens")}
        elif node.role == "file":
            conf["rpc"] = {"listen": node.address}
            conf["cluster"] = {"translation": translation, "zone": node.name}
            conf["storage"] = {"dir": self.path("data", node.name), "cluster_id": self.state["cluster_id"]}
        else:
            conf["public"] = {"listen": node.address, "cert": self.path("pki", "public.pem"),
                              "key": self.path("pki", "public.key"), "client_ca": self.ca,
                              "public_url": f"https://{node.address}", "server_names": "localhost 127.0.0.1"}
            conf["upstream"] = {"translation": translation}
            conf["auth"] = {"tokens": self.path("tokens")}
        merge(conf, self.settings.get(node.role, {}))
        return merge(conf, self.settings.get(node.name, {}))

    def write_conf(self, node):
        if node.role != "web":
            os.makedirs(self.path("data", node.name), mode=0o700, exist_ok=True)
        lines = ["# Written by ./dev run, each time."]
        for section, keys in self._conf_of(node).items():
            lines += ["", f"[{section}]"] + [f"{key} = {value}" for key, value in keys.items()]
        write_file(node.conf, "\n".join(lines) + "\n")

    def _write_env(self):
        write_file(self.path("env"), "".join(f"export {name}='{value}'\n" for name, value in (
            ("GCOMMON_URL", self.url), ("GCOMMON_CA", self.ca), ("GCOMMON_TOKEN", self.token),
            ("GCOMMON_CERT", self.path("pki", "user.pem")), ("GCOMMON_KEY", self.path("pki", "user.key")))))

    def start(self):
        """Start what does not run. The nodes that were started."""
        missing = [node for node in self.nodes if node.pid() is None]
        for node in missing:
            node.start()
        return missing

    def stop(self, seconds=15):
        """End all, those that ask before those that answer. The names of those that had to be killed."""
        return [node.name for node in reversed(self.nodes) if not node.stop(seconds)]

    def tls(self, cert=None):
        """A client's TLS context, with the certificate pki/CERT when given."""
        context = ssl.create_default_context(cafile=self.ca)
        if cert is not None:
            context.load_cert_chain(self.path("pki", cert + ".pem"), self.path("pki", cert + ".key"))
        return context

    def web_ready(self, node):
        conn = http.client.HTTPSConnection("127.0.0.1", node.port, timeout=5, context=self.tls())
        try:
            conn.request("GET", "/-/ready")
            return conn.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            conn.close()

    def wait_ready(self, seconds=30):
        """Until every web server says that it can serve."""
        deadline = time.monotonic() + seconds
        waiting = self.of_role("web")
        while waiting:
            for node in self.nodes:
                if node.pid() is None:
                    raise Failure(f"{node.name} has ended; the end of {node.log}:\n{node.log_tail()}")
            waiting = [node for node in waiting if not self.web_ready(node)]
            if waiting and time.monotonic() > deadline:
                tails = "\n".join(f"{node.log}:\n{node.log_tail(5)}" for node in self.nodes)
                raise Failure(f"{waiting[0].name} is not ready after {seconds} s\n{tails}")
            if waiting:
                time.sleep(0.02)
