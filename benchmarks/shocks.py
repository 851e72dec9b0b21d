"""Seconds to the same mean gap over the number of shocks, of facilities and of years: one table, from one run.

    python benchmarks/shocks.py [--shocks 50 200 1000] [--copies 1 2] [--years 3 5 8] [--gap 0.01] [--base CASE]

Shocks are sampled from the hazards of the base case and reduced to the number wanted, so all numbers are of one world;
facilities grow by copying every plant, capacities and prices differing a little; years are taken from the first.
The gap is that over the range of the final curve: what no plan was known for yet is open.
Whatever does not vary in a row stands at ``--at-shocks``, one copy and ``--at-years``. Every row is a process of its
own, with its own peak of memory; the ratio is to the first row of its kind. A row that did not reach the gap within
the limit says so and shows the gap it reached; its ratio is a lower bound.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from chains import write_chain
from timeline import timed_trace

from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.tables.case import load_case
from optimizer.tables.snapshot import whole_settings, write_whole

DRAWS = 10
"""Draws per shock kept, at least 2,000 in all: so many must differ."""


def write_case(place, base, shocks, copies, years):
    """A case folder with about so many shocks (start years that know fewer different ones keep fewer)."""
    case = load_case(write_chain(place / "chain", base, copies, years, 1, years))
    settings = whole_settings(case)
    sampled = {"sample_count": max(2000, DRAWS * shocks), "keep_count": shocks, "hand_written_share": 0.0}
    settings["shocks"] = {**dict(settings["shocks"]), "events": [], **sampled}
    return write_whole(settings, case.tables, place / "case")


def measured(arguments):
    """One row, in this process."""
    shocks, copies, years = json.loads(arguments.row)
    with tempfile.TemporaryDirectory() as place:
        ready = prepare(write_case(Path(place), arguments.base, shocks, copies, years))
    before = ready.seconds.table()
    line = timed_trace(
        ready.program, COST, LOSS, workers=arguments.workers, tolerance_share=arguments.gap,
        time_limit_s=arguments.time_limit,
    )  # fmt: skip
    reached = next((second for second, _ in line.told if line.left(second).mean_gap <= arguments.gap), None)
    print(
        json.dumps({
            "facilities": len(ready.instance.facilities), "years": years, "shocks": len(ready.program.blocks),
            "integer": int(ready.program.is_integer.sum()), "before": before["load"] + before["build"],
            "seconds": reached, "trace": line.seconds, "gap": line.frontier.certificate.mean_gap_share,
            "solves": line.frontier.solves,
            "main_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "worker_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        })
    )  # fmt: skip


def table(arguments):
    """All rows, each by a process of its own."""
    plan = [("shocks", (shocks, 1, arguments.at_years)) for shocks in arguments.shocks]
    plan += [("facilities", (arguments.at_shocks, copies, arguments.at_years)) for copies in arguments.copies]
    plan += [("years", (arguments.at_shocks, 1, years)) for years in arguments.years]
    print(
        f"{'varied':10} {'facilities':>10} {'years':>5} {'shocks':>6} {'integer':>7} {'build s':>7} {'seconds':>8} "
        f"{'gap %':>6} {'solves':>6} {'main MB':>7} {'worker MB':>9} {'ratio':>7}"
    )
    first = {}
    for kind, row in plan:
        words = [sys.executable, __file__, *sys.argv[1:], "--row", json.dumps(row)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            print(f"{kind:10} {row}: failed")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        spent = found["trace"] if found["seconds"] is None else found["seconds"]
        base = first.setdefault(kind, spent if found["seconds"] is not None else math.nan)
        mark = ">" if found["seconds"] is None else " "
        print(
            f"{kind:10} {found['facilities']:10} {found['years']:5} {found['shocks']:6} {found['integer']:7} "
            f"{found['before']:7.1f} {mark}{spent:7.1f} {100 * found['gap']:6.2f} {found['solves']:6} "
            f"{found['main_mb']:7.0f} {found['worker_mb']:9.0f} {mark}{spent / base:6.2f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="allied-magnets")
    parser.add_argument("--shocks", type=int, nargs="*", default=[50, 200, 1000])
    parser.add_argument("--copies", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--years", type=int, nargs="*", default=[3, 5, 8])
    parser.add_argument("--at-shocks", type=int, default=50)
    parser.add_argument("--at-years", type=int, default=5)
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    measured(arguments) if arguments.row else table(arguments)


if __name__ == "__main__":
    main()
