# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON lines of benchmarks, one object a figure, as a table."""
import json
import sys


def number(value):
    return "-" if value is None else f"{value:.4g}"


print(f"{'figure':40} {'ours':>12} {'peer':>12} {'ratio':>7}  unit")
for line in sys.stdin:
    row = json.loads(line)
    ours, peer, ratio = (number(row.get(key)) for key in ("ours", "peer", "ratio"))
    print(f"{row['name']:40} {ours:>12} {peer:>12} {ratio:>7}  {row.get('unit', '')}", flush=True)
