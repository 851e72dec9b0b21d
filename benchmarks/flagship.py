"""Seconds and memory of the flagship, all from one run.

    python benchmarks/flagship.py [--case allied-magnets] [--workers 2] [--time-limit 600]

Prints load, build and compile; one plan at 1 % gap; the frontier with its certificate; sizes; peak memory of the main
process and of the largest worker.
"""

import argparse
import resource
import time

from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier
from optimizer.solve.one import solve_at


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", default="allied-magnets")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--time-limit", type=float, default=600.0)
    arguments = parser.parse_args()
    began = time.perf_counter()
    ready = prepare(arguments.case)
    loaded = time.perf_counter() - began
    program = ready.program
    seconds = ready.seconds.table()
    print(f"load {seconds['load']:.1f} s, build and compile {seconds['build']:.1f} s, together {loaded:.1f} s")
    blocks = sum(block.recourse.shape[1] for block in program.blocks)
    print(
        f"first stage {program.matrix.shape[0]} rows x {program.matrix.shape[1]} columns, "
        f"{int(program.is_integer.sum())} binaries; {len(program.blocks)} shocks with {blocks} columns"
    )
    began = time.perf_counter()
    point = solve_at(program, COST, LOSS, effort=Effort(gap_share=0.01, workers=arguments.workers), max_second=1.0)
    spent = time.perf_counter() - began
    print(f"one plan at a loss of 1 month, 1 % gap asked: {spent:.1f} s, gap {100 * point.gap_share:.2f} %")
    began = time.perf_counter()
    frontier = trace_frontier(
        program,
        COST,
        LOSS,
        effort=Effort(points=8, workers=arguments.workers, gap_share=0.01, time_limit_s=arguments.time_limit),
    )
    figures = frontier.certificate
    print(
        f"frontier: {time.perf_counter() - began:.1f} s, {len(frontier.points)} points, {frontier.solves} solves, "
        f"mean gap {100 * figures.mean_gap_share:.2f} %, largest {100 * figures.max_gap_share:.2f} %, "
        f"uncertain share {100 * figures.uncertain_share:.1f} %"
    )
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory: main process {own:.0f} MB, largest worker {worker:.0f} MB")


if __name__ == "__main__":
    main()
