#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large objects come back the same, and no daemon ever needs more memory for them: 256 MiB and 4 x 64 MiB
at once; as a campaign 2 GiB and 16 x 256 MiB."""
import threading

from cluster import CAMPAIGN, MIB, Content, case, check, cluster, equal, main

ONE = 2048 * MIB if CAMPAIGN else 256 * MIB
MANY, EACH = (16, 256 * MIB) if CAMPAIGN else (4, 64 * MIB)
MEMORY_MAX = 64 * MIB


def check_memory(peaks):
    print("peaks of RssAnon/VmHWM:", peaks.text())
    for name, (anon, hwm) in peaks.items():
        check(anon <= MEMORY_MAX, f"{name}: RssAnon {anon / MIB:.1f} MiB")
        check(hwm <= MEMORY_MAX, f"{name}: VmHWM {hwm / MIB:.1f} MiB")


@case
def one_large_object_goes_up_in_bounded_memory(bed):
    client = bed.client()
    equal(client.put("/big").status, 200)
    content = Content(ONE)
    with bed.sample_memory() as peaks:
        answer = client.put_content("/big/one", content)
    equal(answer.status, 200, answer)
    equal(answer.fields["etag"], f'"{Content(ONE).md5()}"')
    check_memory(peaks)


@case
def it_comes_back_in_bounded_memory(bed):
    with bed.sample_memory() as peaks:
        got = bed.client().get_digest("/big/one")
    equal(got, (200, ONE, Content(ONE).md5()))
    check_memory(peaks)


@case
def the_same_over_h2(bed):
    with bed.sample_memory() as peaks:
        done = bed.curl("--http2", "--fail", "-o", bed.path("one"), f"{bed.url}/big/one")
        equal(done.returncode, 0, done.stderr)
        done = bed.curl("--http2", "--fail", "-T", bed.path("one"), f"{bed.url}/big/two")
        equal(done.returncode, 0, done.stderr)
    check_memory(peaks)
    equal(bed.client().head("/big/two").fields["etag"], f'"{Content(ONE).md5()}"')


@case
def many_at_once_go_up_and_down_in_bounded_memory(bed):
    errors = []

    def work(i):
        try:
            with bed.client(timeout=600) as client:
                answer = client.put_content(f"/big/many{i}", Content(EACH, i))
                equal(answer.status, 200, answer)
                equal(client.get_digest(f"/big/many{i}"), (200, EACH, Content(EACH, i).md5()))
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(MANY)]
    with bed.sample_memory() as peaks:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    equal(errors, [])
    check_memory(peaks)


@case
def a_slow_reader_does_not_fill_the_memory(bed):
    with bed.sample_memory() as peaks, bed.client() as client:
        response = client.send("GET", "/big/one")
        first = response.read(MIB)
        equal(first, Content(MIB).all())
        # Nobody reads now; others are served meanwhile.
        for i in range(3):
            equal(bed.client().get_digest(f"/big/many{i}")[0], 200)
    check_memory(peaks)


main(cluster)
