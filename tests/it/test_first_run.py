#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev run, status and stop; the lines that README and ./dev print work when pasted."""
import contextlib
import json
import os
import re
import signal
import stat
import subprocess

from cluster import SRCDIR, Content, KIB, case, check, equal, main, nodes, wait_for

RUN_DIR = os.path.join(os.environ.get("GC_TMPDIR", "/tmp"), "run")
BUCKETS = iter(f"papers{i}" for i in range(100))


class Dev:
    """./dev, with the cluster in a folder of our own."""

    def __init__(self):
        self.env = dict(os.environ, GC_RUN_DIR=RUN_DIR)

    def __call__(self, *args, rc=0):
        done = subprocess.run([os.path.join(SRCDIR, "dev"), *args], env=self.env, capture_output=True, text=True,
                              check=False, cwd="/")
        equal(done.returncode, rc, f"./dev {' '.join(args)}:", done.stdout, done.stderr)
        return done

    def nodes(self, rc=0):
        """{name: row of status --json}"""
        return {row["node"]: row for row in json.loads(self("status", "--json", rc=rc).stdout)}

    def paste(self, script):
        """As a user's shell would run it; it must succeed."""
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False,
                              cwd=SRCDIR)
        equal(done.returncode, 0, script, done.stdout, done.stderr)
        return done.stdout

    def sourced(self):
        text = self.paste(f". {RUN_DIR}/env; env | grep ^GCOMMON_")
        return dict(row.split("=", 1) for row in text.splitlines())

    def tell(self):
        for name in os.listdir(RUN_DIR + "/log"):
            with open(f"{RUN_DIR}/log/{name}", encoding="utf-8", errors="replace") as file:
                print(f"--- {name}\n" + "".join(file.readlines()[-20:]))


@contextlib.contextmanager
def started():
    dev = Dev()
    # Ports of its own: the well-known ones are a developer's.
    bed = nodes.Cluster(RUN_DIR, os.path.join(SRCDIR, "build"), fixed_ports=False)
    with bed.locked():
        bed.make()
    try:
        dev.said = dev("run", "--detach").stdout
        yield dev
    finally:
        dev("stop")


def readme_lines():
    with open(os.path.join(SRCDIR, "README.md"), encoding="utf-8") as file:
        block = re.search(r"with curl:\n\n```sh\n(.*?)```", file.read(), re.DOTALL).group(1)
    check(". run/env" in block and "curl" in block, block)
    return block.replace("run/env", f"{RUN_DIR}/env").replace("papers", next(BUCKETS))


@case
def run_detached_leaves_a_private_folder_and_an_environment(dev):
    equal(stat.S_IMODE(os.stat(RUN_DIR).st_mode), 0o700)
    equal(stat.S_IMODE(os.stat(RUN_DIR + "/env").st_mode), 0o600)
    env = dev.sourced()
    equal(sorted(env), ["GCOMMON_CA", "GCOMMON_CERT", "GCOMMON_KEY", "GCOMMON_TOKEN", "GCOMMON_URL"])
    check(env["GCOMMON_URL"] in dev.said, dev.said)
    check(os.stat(env["GCOMMON_KEY"]).st_mode & 0o077 == 0, "others can read the key")


@case
def lines_of_the_readme_work_over_h2(dev):
    dev.paste(readme_lines().replace("curl --fail", "curl -sS --http2 --fail"))


@case
def lines_of_the_readme_work_over_http1_1(dev):
    dev.paste(readme_lines().replace("curl --fail", "curl -sS --http1.1 --fail"))


@case
def both_protocols_are_what_they_claim_to_be(dev):
    for option, want in (("--http2", "2 200"), ("--http1.1", "1.1 200")):
        said = dev.paste(f". {RUN_DIR}/env; curl -sS {option} --cacert $GCOMMON_CA -o /dev/null "
                         "-w '%{http_version} %{http_code}' $GCOMMON_URL/-/health")
        equal(said, want)


@case
def lines_that_run_prints_work_when_pasted(dev):
    lines = [row for row in dev.said.splitlines() if row.startswith("  ")]
    check(len(lines) >= 5, dev.said)
    dev.paste("\n".join(lines).replace("papers", next(BUCKETS)).replace("curl --fail", "curl -sS --fail"))


@case
def certificate_of_the_user_is_as_good_as_the_token(dev):
    bucket = next(BUCKETS)
    gc = f". {RUN_DIR}/env; gc() {{ curl -sS --fail-with-body --cacert $GCOMMON_CA --cert $GCOMMON_CERT --key $GCOMMON_KEY $@; }}"
    dev.paste(f"{gc}; gc -X PUT $GCOMMON_URL/{bucket}; gc -T HACKING.md $GCOMMON_URL/{bucket}/h; "
              f"gc $GCOMMON_URL/{bucket}/h | cmp - HACKING.md")


@case
def status_lists_each_node(dev):
    rows = dev.nodes()
    equal(sorted(rows), ["file1", "translation1", "web1"])
    for name, row in rows.items():
        check(row["running"] and row["pid"] > 0, row)
        equal(row["role"], name[:-1])
        check(all(re.fullmatch(r"127\.0\.0\.1:\d+", address) for address in row["addresses"].values()), row)
        check(stat.S_ISSOCK(os.stat(row["admin_socket"]).st_mode), row)
    check("web1" in dev("status").stdout)


@case
def second_run_starts_only_what_is_missing(dev):
    before, env = dev.nodes(), dev.sourced()
    content = Content(300 * KIB).all()
    bucket = next(BUCKETS)
    with open(f"{RUN_DIR}/content", "wb") as file:
        file.write(content)
    gc = f". {RUN_DIR}/env; gc() {{ curl -sS --fail-with-body --cacert $GCOMMON_CA -H \"Authorization: Bearer $GCOMMON_TOKEN\" \"$@\"; }}"
    dev.paste(f"{gc}; gc -X PUT $GCOMMON_URL/{bucket}; gc -T {RUN_DIR}/content $GCOMMON_URL/{bucket}/c")
    os.kill(before["file1"]["pid"], signal.SIGKILL)
    wait_for(lambda: not dev.nodes(rc=3)["file1"]["running"], "file1 has ended")
    dev("run", "--detach")
    after = dev.nodes()
    equal(dev.sourced(), env)
    for name in ("web1", "translation1"):
        equal(after[name], before[name])
    check(after["file1"]["pid"] != before["file1"]["pid"])
    equal(after["file1"]["addresses"], before["file1"]["addresses"])
    fetch = f"{gc}; gc $GCOMMON_URL/{bucket}/c | cmp - {RUN_DIR}/content"
    dev.paste(fetch)
    dev("stop")
    dev("stop")
    check(not any(row["running"] for row in dev.nodes(rc=3).values()))
    dev("run", "--detach")
    equal(dev.sourced(), env)
    dev.paste(fetch)


@case
def larger_counts_add_nodes_and_smaller_ones_take_none_away(dev):
    before = dev.nodes()
    dev("run", "--detach", "--file", "2", "--web", "2")
    after = dev.nodes()
    equal(sorted(after), ["file1", "file2", "translation1", "web1", "web2"])
    for name, row in before.items():
        equal(after[name], row)
    said = dev("run", "--detach", "--file", "1").stderr
    check("2 file" in said, said)
    equal(dev.nodes(), after)


@case
def two_translation_nodes_are_refused_clearly(dev):
    said = dev("run", "--detach", "--translation", "2", rc=1).stderr
    check("not possible yet" in said, said)


@case
def run_in_the_foreground_ends_by_a_signal(dev):
    dev("stop")
    with subprocess.Popen([os.path.join(SRCDIR, "dev"), "run"], env=dev.env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as child:
        said = ""
        while "Ctrl-C" not in said:
            row = child.stdout.readline()
            check(row, "it has ended:", said)
            said += row
        check(all(row["running"] for row in dev.nodes().values()))
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
        equal(child.returncode, 0)
    check(not any(row["running"] for row in dev.nodes(rc=3).values()))
    dev("run", "--detach")


@case
def pid_of_another_process_is_left_alone(dev):
    pid_file = f"{RUN_DIR}/pid/file1.pid"
    with open(pid_file, encoding="ascii") as file:
        kept = file.read()
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            with open(pid_file, "w", encoding="ascii") as file:
                file.write(f"{other.pid} {kept.split()[1]} {kept.split()[2]}\n")
            check(not dev.nodes(rc=3)["file1"]["running"])
            bed = nodes.Cluster(RUN_DIR, "build")
            bed.node("file1").stop()
            check(other.poll() is None, "the other process was ended")
        finally:
            other.kill()
    with open(pid_file, "w", encoding="ascii") as file:
        file.write(kept)
    check(dev.nodes()["file1"]["running"])


main(started)
