#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev run, stop and status: a one-machine cluster under run/, or in the folder GC_RUN_DIR (tests)."""
import argparse
import json
import os
import signal
import sys
import time

import nodes

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

HINTS = """\
gcommon answers at {url}  (state in {root}, logs in {root}/log)

  . {root}/env
  gc() {{ curl --fail-with-body --cacert "$GCOMMON_CA" -H "Authorization: Bearer $GCOMMON_TOKEN" "$@"; }}
  gc -X PUT "$GCOMMON_URL/papers"                              # make a bucket
  gc -T {top}/README.md "$GCOMMON_URL/papers/readme"           # store a file
  gc "$GCOMMON_URL/papers/readme" | cmp - {top}/README.md      # it comes back the same
  gc "$GCOMMON_URL/papers?list-type=2"                         # list

Other doors: --http1.1; --cert "$GCOMMON_CERT" --key "$GCOMMON_KEY" instead of the header."""


def counts_of(args, cluster):
    counts = {}
    for role in nodes.ROLES:
        have, wish = len(cluster.of_role(role)), getattr(args, role)
        if wish is not None and wish < have:
            print(f"./dev: the cluster has {have} {role} nodes, and keeps them", file=sys.stderr)
        counts[role] = max(have, 1 if wish is None else wish)
    return counts


def on_signal(_signum, _frame):
    raise KeyboardInterrupt


def watch(cluster):
    """Stay until a signal comes, ./dev stop was called, or a daemon ends by itself."""
    while True:
        for node in cluster.nodes:
            if node.stopped():
                return
            if node.pid() is None:
                raise nodes.Failure(f"{node.name} has ended; the end of {node.log}:\n{node.log_tail()}")
        time.sleep(0.5)


def start(cluster, args):
    with cluster.locked():
        cluster.make(**counts_of(args, cluster))
        begun = time.monotonic()
        started = cluster.start()
        try:
            cluster.wait_ready()
        except BaseException:
            for node in reversed(started):
                node.stop()
            raise
    names = ", ".join(node.name for node in started)
    print(f"{names} ready after {1000 * (time.monotonic() - begun):.0f} ms" if started else "all nodes ran already")
    print(HINTS.format(url=cluster.url, root=cluster.root, top=TOP), flush=True)


def run(cluster, args):
    if args.translation is not None and args.translation > 1:
        raise nodes.Failure("run: more than one translation node is not possible yet: "
                            "the state is not replicated before consensus is in the tree")
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, on_signal)
    try:
        start(cluster, args)
        if not args.detach:
            print("\nCtrl-C stops it.", flush=True)
            watch(cluster)
    except KeyboardInterrupt:
        if args.detach:
            return 130
    except nodes.Failure:
        if not args.detach:
            cluster.stop()
        raise
    if not args.detach:
        print("stopping", flush=True)
        cluster.stop()
    return 0


def stop(cluster, _args):
    if not cluster.nodes:
        print(f"no cluster in {cluster.root}")
        return 0
    with cluster.locked():
        killed = cluster.stop()
    for name in killed:
        print(f"{name} did not end in time and was killed", file=sys.stderr)
    return 0


def status(cluster, args):
    if args.json:
        print(json.dumps([node.as_json() for node in cluster.nodes], indent=2))
    elif not cluster.nodes:
        print(f"no cluster in {cluster.root}")
    for node in [] if args.json else cluster.nodes:
        print(f"{node.name:15} {'pid ' + str(node.pid()) if node.pid() else 'stopped':12} "
              f"{node.address:22} metrics {node.metrics:22} admin {node.admin}")
    return 0 if cluster.nodes and all(node.pid() for node in cluster.nodes) else 3


def positive(text):
    number = int(text)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError("from 1 to 64")
    return number


def arguments():
    parser = argparse.ArgumentParser(prog="./dev", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="start a one-machine cluster, or what is missing of it")
    one.add_argument("--detach", action="store_true", help="return when it is ready")
    for role in nodes.ROLES:
        one.add_argument(f"--{role}", type=positive, metavar="N", help=f"number of {role} processes")
    one.set_defaults(call=run)
    one = commands.add_parser("stop", help="end it; the data stay")
    one.set_defaults(call=stop)
    one = commands.add_parser("status", help="what runs; exit status 3 when something does not")
    one.add_argument("--json", action="store_true")
    one.set_defaults(call=status)
    return parser.parse_args()


def main():
    args = arguments()
    cluster = nodes.Cluster(os.environ.get("GC_RUN_DIR") or os.path.join(TOP, "run"), os.path.join(TOP, "build"))
    try:
        return args.call(cluster, args)
    except nodes.Failure as failure:
        print(f"./dev: {failure}", file=sys.stderr)
        return 1


sys.exit(main())
