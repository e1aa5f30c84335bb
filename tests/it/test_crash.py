#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was acknowledged survives kill -9 of everything; what was not is absent or whole, and leaves
nothing behind."""
import http.client
import random
import socket
import struct
import subprocess
import threading
import time

from cluster import CAMPAIGN, KIB, MIB, Content, case, check, cluster, equal, main, wait_for

KILLS = 100 if CAMPAIGN else 20
WRITERS = 8
# Silence and garbage are noticed soon, so that the test need not wait for them.
SETTINGS = {
    "file": {"storage": {"gc_delay_ms": 0, "inventory_ms": 1000}},
    "translation": {"registry": {"heartbeat_ms": 100, "lease_ms": 2000}},
}


class Upload:
    """A PUT that is sent piece by piece."""

    def __init__(self, bed, path, content):
        self.content, self.client = content, bed.client()
        self.conn = self.client.conn
        self.conn.putrequest("PUT", path)
        self.conn.putheader("Authorization", f"Bearer {bed.token}")
        self.conn.putheader("Content-Length", str(content.n))
        self.conn.endheaders()

    def send(self, n):
        self.conn.send(self.content.read(n))

    def finish(self):
        """Send the rest, unless the server has had enough; the answer."""
        try:
            while part := self.content.read(64 * KIB):
                self.conn.send(part)
        except OSError:
            pass
        response = self.conn.getresponse()
        response.read()
        return response

    def cut(self):
        """Close as a crashed client's kernel would: a reset."""
        self.conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.conn.close()


def n_puts_open(bed):
    return bed.status("file1")["puts_open"]


def start_upload(bed, path, n=8 * MIB):
    """One that has reached the file server."""
    upload = Upload(bed, path, Content(n, 7))
    upload.send(n // 2)
    wait_for(lambda: n_puts_open(bed) == 1, "the upload is open at the file server")
    return upload


def no_garbage_left(bed):
    """Every object has one blob; an empty one needs none."""
    want = sum(size > 0 for _, size in bed.client().list_all("crash")[0])
    wait_for(lambda: bed.status("file1")["blobs"] == want, f"{want} objects and as many blobs", 120)


@case
def acknowledged_objects_survive_kill_of_all_three(bed):
    equal(bed.client().put("/crash").status, 200)
    sizes = [0, 1, KIB, 100 * KIB, MIB, 9 * MIB + 17]
    for i, n in enumerate(sizes):
        with bed.client() as client:
            equal(client.put_content(f"/crash/kept{i}", Content(n, i)).status, 200)
        for node in bed.nodes:
            node.kill()
        bed.restart("translation1", "file1", "web1")
        for j, m in enumerate(sizes[:i + 1]):
            equal(bed.client().get_digest(f"/crash/kept{j}"), (200, m, Content(m, j).md5()))


@case
def kill_of_the_file_server_in_mid_put_is_a_clean_503(bed):
    for path in ("/crash/new", "/crash/kept3"):  # also over an object that is there
        upload = start_upload(bed, path)
        bed.node("file1").kill()
        equal(upload.finish().status, 503)
        bed.restart("file1")
    equal(bed.client().get("/crash/new").status, 404)
    equal(bed.client().get_digest("/crash/kept3"), (200, 100 * KIB, Content(100 * KIB, 3).md5()))
    equal(bed.client().put_content("/crash/new", Content(8 * MIB, 7)).status, 200)
    equal(bed.client().get_digest("/crash/new"), (200, 8 * MIB, Content(8 * MIB, 7).md5()))


@case
def kill_of_the_file_server_is_a_503_for_curl_too(bed):
    with open(bed.path("body"), "wb") as file:
        file.write(Content(16 * MIB).all())
    for version in ("--http2", "--http1.1"):
        with subprocess.Popen(
                ["curl", "-sS", version, "--cacert", bed.ca, "-H", f"Authorization: Bearer {bed.token}", "--limit-rate",
                 "4M", "-T", bed.path("body"), "-o", "/dev/null", "-w", "%{http_code}", f"{bed.url}/crash/curl"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as curl:
            wait_for(lambda: n_puts_open(bed) == 1, "the upload is open")
            bed.node("file1").kill()
            said, errors = curl.communicate(timeout=60)
        equal(said, "503", version, errors)
        bed.restart("file1")
    equal(bed.client().get("/crash/curl").status, 404)


def disconnect(bed, i):
    upload = start_upload(bed, f"/crash/gone{i}")
    if i % 2 == 0:
        upload.cut()
    else:
        upload.conn.close()
    wait_for(lambda: n_puts_open(bed) == 0, "the upload is given up")


@case
def client_that_disconnects_in_mid_put_leaves_nothing(bed):
    wait_for(lambda: n_puts_open(bed) == 0, "no upload is open")
    for i in range(10):
        disconnect(bed, i)  # by now each worker has its connections to the next tier
    n_fds = {node.name: bed.n_fds(node.name) for node in bed.nodes}
    for i in range(20):
        disconnect(bed, i)
    equal(bed.metric("translation1", "gc_consensus_waiting"), 0)
    wait_for(lambda: bed.metric("web1", "http_server_active_requests") == 0, "no request is active at web")
    for i in range(20):
        equal(bed.client().get(f"/crash/gone{i}").status, 404)
    for name, n in n_fds.items():
        wait_for(lambda name=name, n=n: bed.n_fds(name) <= n + 4, f"{name} has closed its sockets, {n} before")


@case
def reset_of_an_h2_upload_leaves_nothing(bed):
    with open(bed.path("body"), "wb") as file:
        file.write(Content(16 * MIB).all())
    with subprocess.Popen(["curl", "-sS", "--http2", "--cacert", bed.ca, "-H", f"Authorization: Bearer {bed.token}",
                           "--limit-rate", "4M", "-T", bed.path("body"), f"{bed.url}/crash/h2"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as curl:
        wait_for(lambda: n_puts_open(bed) == 1, "the upload is open")
        curl.kill()
    wait_for(lambda: n_puts_open(bed) == 0, "the upload is given up")
    equal(bed.client().get("/crash/h2").status, 404)
    no_garbage_left(bed)


class Writer(threading.Thread):
    """Puts objects of its own, one after the other, and remembers what it was told."""

    def __init__(self, bed, number, seed):
        super().__init__()
        self.bed, self.number, self.random = bed, number, random.Random(seed)
        self.over, self.acked, self.unsure, self.strange = threading.Event(), {}, {}, []

    def run(self):
        i = 0
        while not self.over.is_set():
            n = self.random.choice([1, KIB, 40 * KIB, 300 * KIB, MIB])
            key, i = f"w{self.number}-{i}", i + 1
            try:
                with self.bed.client(timeout=60) as client:
                    status = client.put_content(f"/crash/{key}", Content(n, i)).status
            except (OSError, http.client.HTTPException) as error:
                self.unsure[key] = (n, i)
                self.strange.append(f"{key}: {error!r}")
                continue
            (self.acked if status == 200 else self.unsure)[key] = (n, i)
            if status not in (200, 503):
                self.strange.append(f"{key}: {status}")


@case
def translation_killed_under_load_leaves_each_object_whole_or_absent(bed):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    writers = [Writer(bed, i, seed + i) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(KILLS):
            n = sum(len(writer.acked) for writer in writers)
            wait_for(lambda n=n: sum(len(writer.acked) for writer in writers) > n + WRITERS, "they are at work again")
            time.sleep(rng.uniform(0, 0.05))  # the moment of the crash is what is random here
            bed.node("translation1").kill()
            bed.restart("translation1")
    finally:
        for writer in writers:
            writer.over.set()
        for writer in writers:
            writer.join()
    acked = {key: what for writer in writers for key, what in writer.acked.items()}
    unsure = {key: what for writer in writers for key, what in writer.unsure.items()}
    print(f"{len(acked)} acknowledged, {len(unsure)} not")
    check(len(acked) > KILLS and unsure, "the kills did not meet the load")
    client = bed.client()
    for key, (n, i) in acked.items():
        equal(client.get_digest(f"/crash/{key}"), (200, n, Content(n, i).md5()), key)
    n_whole = 0
    for key, (n, i) in unsure.items():
        got = client.get_digest(f"/crash/{key}")
        if got[0] != 404:
            equal(got, (200, n, Content(n, i).md5()), key)
            n_whole += 1
    print(f"{n_whole} of those not acknowledged are there, whole")
    equal([text for writer in writers for text in writer.strange], [], "neither 200 nor 503")


@case
def afterwards_no_blob_is_left_over(bed):
    no_garbage_left(bed)
    n = bed.log_count("file1", "inventory.orphans")
    print(f"{n} times orphans were found and removed")
    check(n > 0, "no crash left an orphan: it was none between the two commits")


main(cluster, SETTINGS)
