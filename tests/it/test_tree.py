#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every regular file below a real tree goes up and comes back the same, and listings are the tree."""
import concurrent.futures
import os
import threading

from cluster import case, check, cluster, equal, main, quote

TREE = "/usr/share/doc"
THREADS = 8
ODD_NAMES = ["a b", "a+b", "a%2Fb", "ä/ö", "a&b=c?d#e", "quote'\"", "back\\slash", "tab\there", "日本/語", "~tilde", "x" * 255]

files = {}  # key -> path


def find_files(odd_dir):
    for folder, _, names in os.walk(TREE):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                files[os.path.relpath(path, TREE)] = path
    for i, name in enumerate(ODD_NAMES):
        path = os.path.join(odd_dir, str(i))
        with open(path, "wb") as file:
            file.write(name.encode() * i)  # the first is empty
        files["odd/" + name] = path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def in_parallel(bed, work):
    """WORK(client, key, path) for every file, a client for each thread."""
    local = threading.local()

    def one(item):
        if not hasattr(local, "client"):
            local.client = bed.client()
        work(local.client, *item)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, files.items()))


@case
def every_file_goes_up(bed):
    odd_dir = bed.path("odd")
    os.mkdir(odd_dir)
    find_files(odd_dir)
    check(len(files) > 100, f"only {len(files)} files in {TREE}")
    print(f"{len(files)} files, {sum(os.stat(path).st_size for path in files.values()) / 1e6:.0f} MB")
    equal(bed.client().put("/tree").status, 200)

    def put(client, key, path):
        answer = client.put("/tree/" + quote(key), content(path))
        equal(answer.status, 200, key, answer)

    in_parallel(bed, put)


@case
def every_file_comes_back_the_same(bed):
    def get(client, key, path):
        answer = client.get("/tree/" + quote(key))
        equal(answer.status, 200, key, answer)
        check(answer.body == content(path), key, "is not the same")

    in_parallel(bed, get)


@case
def listing_has_every_key_in_byte_order(bed):
    keys, prefixes = bed.client().list_all("tree", max_keys=700)
    equal(prefixes, [])
    want = sorted(files, key=lambda key: key.encode())
    equal([key for key, _ in keys], want)
    equal([size for _, size in keys], [os.stat(files[key]).st_size for key in want])


@case
def listing_by_prefix_and_delimiter_is_the_folder(bed):
    client = bed.client()
    folders = {""}
    for key in files:
        folders.update(key[:i + 1] for i, byte in enumerate(key) if byte == "/")
    chosen = sorted(folders)[:: max(1, len(folders) // 60)]
    for prefix in {"", "odd/", *chosen}:
        below = [key[len(prefix):] for key in files if key.startswith(prefix)]
        keys, prefixes = client.list_all("tree", prefix=prefix, delimiter="/", max_keys=97)
        equal(sorted(key for key, _ in keys), sorted(prefix + rest for rest in below if "/" not in rest), prefix)
        equal(sorted(prefixes), sorted({prefix + rest[:rest.index("/") + 1] for rest in below if "/" in rest}), prefix)


main(cluster)
