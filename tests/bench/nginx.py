#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of gcommon, three tiers on this machine, beside Debian's nginx with its DAV module on the same
disk: small reads, small durable writes, large transfers. Each round runs ours and the peer's one after the
other; the ratio is the median of the rounds' ratios. nginx writes without a single sync; ours answers when
the object is on stable storage. GC_ROUNDS (5), GC_BENCH_DIR (the build tree)."""
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SRCDIR = os.environ["GC_SRCDIR"]
sys.path.insert(0, os.path.join(SRCDIR, "tests", "it"))
os.environ.setdefault("GC_TMPDIR", os.environ.get("GC_BENCH_DIR", os.environ["GC_BUILDDIR"]))
import cluster as bed  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = int(os.environ.get("GC_ROUNDS", "5"))
MIB = 1024 * 1024
NGINX_CONF = """
daemon off; worker_processes {workers}; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; http2_max_requests 1000000;
    client_max_body_size 0; client_body_temp_path {dir}/temp; client_body_buffer_size 64k; http2_chunk_size 64k;
    server {{
        listen 127.0.0.1:{port} ssl http2; server_name localhost;
        ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
        location / {{ root {dir}/root; dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""


class Nginx:
    def __init__(self, directory, cert, key):
        self.port = bed.nodes.pick_port(None, set())
        self.dir = os.path.join(directory, "nginx")
        os.makedirs(os.path.join(self.dir, "root", "bench"), mode=0o777)
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write("user root;" + NGINX_CONF.format(dir=self.dir, port=self.port, cert=cert, key=key,
                                                        workers=os.cpu_count()))
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", conf], stderr=subprocess.DEVNULL)
        self.url = f"https://127.0.0.1:{self.port}"
        bed.wait_for(lambda: not bed.nodes.port_free(self.port), "nginx listens")

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [self.process.pid] + [int(pid) for pid in children.stdout.split()]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Side:
    """One of the two servers under load."""

    def __init__(self, url, headers, pids):
        self.url, self.headers, self.pids = url, headers, pids

    def load(self, n, clients, streams, *more):
        """Requests per second, and per CPU second of the server's processes."""
        before = cpu_seconds(self.pids())
        out = subprocess.run(["h2load", "-n", str(n), "-c", str(clients), "-m", str(streams), "-t", "1", "-w", "24", "-W",
                              "24", *self.headers, *more], capture_output=True, text=True, check=True).stdout
        good = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", out)
        codes = re.search(r"status codes: (\d+) 2xx", out)
        if int(good.group(1)) != n or int(codes.group(1)) != n:
            raise SystemExit(f"{self.url}: not all of {n} requests were served:\n{out}")
        rate = float(re.search(r"finished in [^,]+, ([0-9.]+) req/s", out).group(1))
        spent = max(cpu_seconds(self.pids()) - before, 0.01)
        return rate, n / spent


def figure(name, unit, runs, factor=1.0):
    """RUNS: [(ours, peer)]"""
    ours, peer = (statistics.median(run[i] for run in runs) * factor for i in (0, 1))
    ratio = statistics.median(a / b for a, b in runs)
    print(json.dumps({"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit,
                      "runs": [[a * factor, b * factor] for a, b in runs]}), flush=True)


def compare(name, unit, ours, peer, run, factor=1.0):
    """RUN(side) -> (rate, rate per CPU second)"""
    rounds = []
    for _ in range(ROUNDS):
        rounds.append((run(ours), run(peer)))
    figure(name, unit, [(a[0], b[0]) for a, b in rounds], factor)
    figure(name + ", a CPU second", unit, [(a[1], b[1]) for a, b in rounds], factor)


def fact(name, value, unit, runs):
    print(json.dumps({"name": name, "ours": value, "peer": None, "ratio": None, "unit": unit, "runs": runs}), flush=True)


def sizes(folder):
    """A small and a large body."""
    small, large = os.path.join(folder, "1k"), os.path.join(folder, "64m")
    with open(small, "wb") as file:
        file.write(bed.Content(1024, 1).all())
    with open(large, "wb") as file:
        file.write(bed.Content(64 * MIB, 2).all())
    return small, large


def uris(folder, side, n):
    path = os.path.join(folder, f"uris-{side.url.rsplit(':', 1)[1]}")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{side.url}/bench/put{i}\n" for i in range(n))
    return path


QUIET_S = 8  # after that, what the handshakes of the start needed has been given back


def bench_start(folder):
    """Start to ready, and memory when idle, of each daemon."""
    starts, idle = {}, {}
    for _ in range(ROUNDS):
        with bed.cluster() as one:
            time.sleep(QUIET_S)
            for node in one.nodes:
                took = re.search(r"event=ready.*after_ms=(\d+)", node.log_tail(200))
                starts.setdefault(node.role, []).append(int(took.group(1)))
                with open(f"/proc/{node.pid()}/status", encoding="ascii", errors="replace") as file:
                    rss = int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
                idle.setdefault(node.role, []).append(rss / 1024)
    for role, runs in starts.items():
        fact(f"start to ready, {role}", statistics.median(runs), "ms", runs)
    for role, runs in idle.items():
        fact(f"idle RSS, {role}", statistics.median(runs), "MiB", runs)
    del folder


def bench_load(folder):
    settings = {"web": {"public": {"streams_max": 256}}}
    with bed.cluster(settings) as one:
        cert = os.path.join(one.root, "pki")
        pem = next(os.path.join(cert, name) for name in os.listdir(cert) if name.startswith("public") and name.endswith(".pem"))
        peer_server = Nginx(folder, pem, pem[:-4] + ".key")
        try:
            ours = Side(one.url, ["-H", f"Authorization: Bearer {one.token}"], lambda: [node.pid() for node in one.nodes])
            peer = Side(peer_server.url, [], peer_server.pids)
            small, large = sizes(folder)
            if one.client().put("/bench").status != 200:
                raise SystemExit("cannot make the bucket")
            put = ["-H", ":method: PUT", "-d"]
            for side in (ours, peer):
                side.load(1, 1, 1, *put, small, side.url + "/bench/1k")
                side.load(1, 1, 1, *put, large, side.url + "/bench/64m")
            compare("GET 1 KiB, 10 x 20 streams", "requests/s", ours, peer,
                    lambda side: side.load(30000, 10, 20, side.url + "/bench/1k"))
            lists = {side: uris(folder, side, 2000) for side in (ours, peer)}
            compare("PUT 1 KiB, 64 in flight", "requests/s", ours, peer,
                    lambda side: side.load(10000, 8, 8, *put, small, "-i", lists[side]))
            compare("GET 64 MiB, 1 stream", "MB/s", ours, peer,
                    lambda side: side.load(10, 1, 1, side.url + "/bench/64m"), 64 * MIB / 1e6)
            compare("PUT 64 MiB, 1 stream", "MB/s", ours, peer,
                    lambda side: side.load(5, 1, 1, *put, large, side.url + "/bench/64m"), 64 * MIB / 1e6)
        finally:
            peer_server.stop()


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    folder = tempfile.mkdtemp(prefix="bench-", dir=os.environ["GC_TMPDIR"])
    try:
        bench_start(folder)
        bench_load(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
