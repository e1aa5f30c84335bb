#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases of file servers: who stands still, who is taken for down, and what goes on meanwhile."""
import hashlib
import signal
import time

from cluster import KIB, MIB, Content, case, check, cluster, equal, main, wait_for

LEASE_MS = 1000


def n_up(bed):
    return bed.metric("translation1", "gc_file_servers_up")


@case
def silent_file_server_is_down_and_comes_back(bed):
    node = bed.node("file1")
    equal(bed.client().put("/registry").status, 200)
    node.signal(signal.SIGSTOP)
    try:
        wait_for(lambda: n_up(bed) == 0, "it is taken for down")
        equal(bed.client().put("/registry/no", b"no").status, 503)
    finally:
        node.signal(signal.SIGCONT)
    wait_for(lambda: n_up(bed) == 1, "it has registered again")
    equal(bed.client().put("/registry/yes", b"yes").status, 200)


@case
def download_survives_that_its_server_was_taken_for_down(bed):
    node = bed.node("file1")
    content = Content(24 * MIB, 1)
    equal(bed.client().put_content("/registry/large", content).status, 200)
    response = bed.client().send("GET", "/registry/large")
    digest, n = hashlib.md5(), 0
    part = response.read(256 * KIB)  # and no more for now: the rest waits on all hops
    node.signal(signal.SIGSTOP)
    try:
        wait_for(lambda: n_up(bed) == 0, "it is taken for down")
    finally:
        node.signal(signal.SIGCONT)
    wait_for(lambda: n_up(bed) == 1, "it has registered again")
    equal(bed.client().get("/registry/yes").body, b"yes")  # uses its new record
    while part:
        digest.update(part)
        n += len(part)
        part = response.read(256 * KIB)
    equal((n, digest.hexdigest()), (content.n, content.md5()))


@case
def translation_that_stood_still_blames_nobody(bed):
    node = bed.node("translation1")
    before = bed.log_count("translation1", "event=registry.down")
    for _ in range(3):
        late = bed.log_count("translation1", "event=janitor.late")
        node.signal(signal.SIGSTOP)
        time.sleep(3 * LEASE_MS / 1000)  # that it stands still is what is tried here
        node.signal(signal.SIGCONT)
        wait_for(lambda late=late: bed.log_count("translation1", "event=janitor.late") > late, "it has noticed")
        equal(bed.client().put("/registry/after", b"after").status, 200)
    equal(bed.log_count("translation1", "event=registry.down"), before)
    check(n_up(bed) == 1)


ONE = {"daemon": {"workers": 1}}  # so that both requests of a case share their channels
main(cluster, {"web": ONE, "translation": {**ONE, "registry": {"lease_ms": LEASE_MS, "heartbeat_ms": 100}}})
