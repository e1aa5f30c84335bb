#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand requests leave memory and descriptors as they were."""
import shutil
import subprocess
import threading

from cluster import KIB, MIB, Skip, case, check, cluster, equal, main, wait_for

REQUESTS = 10000
WARM_UP = 3000
GROWTH_MAX = 2 * MIB


def state(bed):
    return {node.name: (bed.memory(node.name)[0], bed.n_fds(node.name)) for node in bed.nodes}


def check_flat(bed, before):
    for name, (anon, fds) in before.items():
        wait_for(lambda name=name, fds=fds: bed.n_fds(name) <= fds + 1, f"{name} has closed what it opened")
        grown = bed.memory(name)[0] - anon
        print(f"{name}: RssAnon {anon / MIB:.1f} MiB, {grown / KIB:+.0f} KiB, {fds} descriptors")
        check(grown <= GROWTH_MAX, f"{name} has grown by {grown / KIB:.0f} KiB")


def h2load(bed, n, path):
    done = subprocess.run(["h2load", "-n", str(n), "-c", "8", "-m", "16", "-H", f"authorization: Bearer {bed.token}",
                           bed.url + path], capture_output=True, text=True, check=False, timeout=300)
    check(f"{n} succeeded, 0 failed, 0 errored" in done.stdout, done.stdout, done.stderr)


def mixed(bed, n):
    """N requests over connections of their own, 8 at a time: PUT, GET, HEAD, LIST, DELETE and errors."""
    failures = []

    def work(number):
        for i in range(n // 8 // 6):
            path = f"/leak/{number}-{i % 50}"
            try:
                with bed.client() as client:
                    equal(client.put(path, b"x" * (i % 3000)).status, 200)
                    equal(len(client.get(path).body), i % 3000)
                    equal(client.head(path).status, 200)
                    equal(client.get(f"/leak?list-type=2&max-keys=5&prefix={number}").status, 200)
                    equal(client.get("/leak/none").status, 404)
                    equal(client.delete(path).status, 204)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(failures, [])


@case
def ten_thousand_gets_over_h2(bed):
    if shutil.which("h2load") is None:
        raise Skip("h2load is not installed")
    equal(bed.client().put("/leak").status, 200)
    equal(bed.client().put("/leak/one", b"x" * KIB).status, 200)
    h2load(bed, WARM_UP, "/leak/one")
    before = state(bed)
    h2load(bed, REQUESTS, "/leak/one")
    check_flat(bed, before)


@case
def ten_thousand_mixed_requests(bed):
    mixed(bed, WARM_UP)
    before = state(bed)
    mixed(bed, REQUESTS)
    check_flat(bed, before)


main(cluster, {"file": {"storage": {"gc_delay_ms": 0}}})
