#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three file servers, one of which stands still without being taken for down: reads and writes do without it."""
import contextlib
import signal
import time

from cluster import KIB, MIB, Content, case, check, cluster, equal, main

STALL_MS = 500


@contextlib.contextmanager
def stopped(node):
    node.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        node.signal(signal.SIGCONT)


@case
def read_goes_on_at_another_replica(bed):
    client = bed.client()
    equal(client.put("/replicas").status, 200)
    for i in range(6):
        equal(client.put(f"/replicas/small{i}", Content(10 * KIB, i).all()).status, 200)
    content = Content(3 * MIB, 9)
    equal(client.put_content("/replicas/large", content).status, 200)
    with stopped(bed.node("file1")):
        begun = time.monotonic()
        for i in range(6):
            check(client.get(f"/replicas/small{i}").body == Content(10 * KIB, i).all(), i)
        equal(client.get_digest("/replicas/large"), (200, content.n, content.md5()))
        print(f"read in {time.monotonic() - begun:.1f} s")


@case
def write_is_done_by_the_others(bed):
    client = bed.client()
    content = Content(3 * MIB, 10)
    with stopped(bed.node("file2")):
        equal(client.put("/replicas/without", b"small").status, 200)
        equal(client.put_content("/replicas/without-large", content).status, 200)
    equal(client.get("/replicas/without").body, b"small")
    equal(client.get_digest("/replicas/without-large"), (200, content.n, content.md5()))


LONG = {"registry": {"lease_ms": 120000}, "write": {"replica_stall_ms": STALL_MS}}
main(lambda: cluster({"translation": LONG}, file=3))
