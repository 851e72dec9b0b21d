"""What all rules of policy and environment together add to a case: size, seconds to build, and seconds of the frontier.

    python benchmarks/policy.py [--case allied-magnets] [--frontier] [--workers 2] [--time-limit 600]

Off is the case as it is; on is the same case with licence time, re-export, technology controls, a benchmark per stage,
every activity rule, restoration, every subsidy and learning of yields. Both are built twice, the quicker time counts.
With ``--frontier`` both frontiers are traced and the ratio is printed last; the aim is at most 1.5.
"""

import argparse
import tempfile
import time
from pathlib import Path

from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier
from optimizer.tables.case import load_case
from optimizer.tables.snapshot import whole_settings, write_whole

BENCHMARK = {"country": "*", "max_share": 0.65, "from_year": 2030, "penalty_usd_per_kg": 5.0}


def with_all_rules(case):
    """Settings of a case with every rule on that its tables have."""
    settings = whole_settings(case)
    stages = sorted(set(case.tables["routes"]["stage"]))
    settings["policy"] |= {
        "licence_time": "stock",
        "reexport": "transshipment",
        "technology_controls": True,
        "yield_learning": True,
        "subsidies": sorted(set(case.tables["subsidy_terms"]["programme"])),
    }
    settings["environment"] |= {"rules": sorted(set(case.tables["activity_rules"]["rule"])), "restoration": True}
    caps = [{"name": f"benchmark {stage}", "stage": stage, **BENCHMARK} for stage in stages]
    settings["limits"]["share_cap"] = [*settings["limits"].get("share_cap", []), *caps]
    return settings


def built(folder):
    """A case built twice, with the seconds of load and of build of the quicker time."""
    found = []
    for _ in range(2):
        began = time.perf_counter()
        ready = prepare(folder)
        found.append((time.perf_counter() - began, ready))
    return min(found, key=lambda pair: pair[0])


def told(name, seconds, ready):
    """Print sizes of one side."""
    program = ready.program
    rows = sum(block.recourse.shape[0] for block in program.blocks)
    columns = sum(block.recourse.shape[1] for block in program.blocks)
    print(
        f"{name}: load and build {seconds:.1f} s; plan {program.matrix.shape[0]} rows x {program.matrix.shape[1]} "
        f"columns, {int(program.is_integer.sum())} binaries; {len(program.blocks)} shocks, {rows} x {columns}; "
        f"{len(ready.instance.origin_rules)} origin rules, "
        f"{sum(1 for recipe in ready.instance.recipes.values() if recipe.yield_share)} recipes that learn"
    )


def traced(ready, arguments):
    """Seconds of a frontier."""
    began = time.perf_counter()
    frontier = trace_frontier(
        ready.program,
        COST,
        LOSS,
        effort=Effort(points=8, workers=arguments.workers, gap_share=0.01, time_limit_s=arguments.time_limit),
    )
    seconds = time.perf_counter() - began
    first, last = frontier.points[0], frontier.points[-1]
    ends = f"{first.first:.1f} MUSD at {first.second:.2f} months to {last.first:.1f} at {last.second:.2f}"
    size = f"{len(frontier.points)} points, {frontier.solves} solves"
    print(f"  frontier {seconds:.1f} s, {frontier.status}: {size}; {ends}")
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", default="allied-magnets")
    parser.add_argument("--frontier", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=600.0)
    arguments = parser.parse_args()
    case = load_case(arguments.case)
    seconds, spent = {}, {}
    with tempfile.TemporaryDirectory() as place:
        on = write_whole(with_all_rules(case), case.tables, Path(place) / "on")
        off = write_whole(whole_settings(case), case.tables, Path(place) / "off")
        for name, folder in (("off", off), ("on", on)):
            seconds[name], ready = built(folder)
            told(name, seconds[name], ready)
            if arguments.frontier:
                spent[name] = traced(ready, arguments)
    print(f"load and build, on over off: {seconds['on'] / seconds['off']:.2f}")
    if spent:
        both = {name: seconds[name] + spent[name] for name in spent}
        print(f"build and frontier, on over off: {both['on'] / both['off']:.2f}")


if __name__ == "__main__":
    main()
