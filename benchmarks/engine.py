"""How soon the frontier of the flagship is known, how well, and where the time goes; every figure from one run.

    python benchmarks/engine.py [--case allied-magnets] [--workers 2] [--tolerance 0.0025] [--time-limit 900]

Seconds count from the start of the trace; reading, building and compiling come before and are printed first. A gap
counts twice, from the first curve on: over the range known at that moment, as the progress tells it, and over the range
of the final curve, where everything beyond the plans known by then is open.
"""

import argparse
import io
import math
import resource
import time

import highspy
import numpy as np
import pandas as pd
import solver_clock
from timeline import timed_trace

from optimizer.chain.build import build_instance
from optimizer.jobs.prepare import COST, LOSS, compiled
from optimizer.model.build import build_model
from optimizer.solve.certificate import certificate
from optimizer.solve.highs import Limits, load, new_solver
from optimizer.solve.master import Master
from optimizer.solve.question import Question
from optimizer.tables.case import load_case

GAPS = (0.02, 0.01, 0.005, 0.0025)
MOMENTS = (60.0, 147.0)
"""Seconds at which the prototype's uncertain share was measured: 21 % and 12 %."""

PORTFOLIOS = 5
REPEATS = 3


def built(name):
    """Instance and compiled program of a case, with the seconds of each step."""
    seconds, last = {}, time.perf_counter()

    def step(what):
        nonlocal last
        now = time.perf_counter()
        seconds[what], last = now - last, now

    case = load_case(name)
    step("read")
    instance = build_instance(case)
    step("chain")
    model = build_model(instance)
    step("model")
    program = compiled(model)
    step("compile")
    return instance, program, seconds


def bare(program):
    """Hand arrays to the solver with nothing around the call."""
    matrix = program.matrix
    kinds = program.is_integer.astype(np.int32)
    starts, indices = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    solver = new_solver(Limits())
    began = time.perf_counter()
    status = solver.passModel(
        matrix.shape[1], matrix.shape[0], matrix.nnz, int(highspy.MatrixFormat.kRowwise), 1, program.offset,
        program.cost, program.lower, program.upper, program.row_lower, program.row_upper, starts, indices, matrix.data,
        kinds,
    )  # fmt: skip
    if status == highspy.HighsStatus.kError:
        raise SystemExit("the solver refuses the arrays")
    return time.perf_counter() - began


def ours(program):
    """Hand the same program over as every solve does."""
    solver = new_solver(Limits())
    began = time.perf_counter()
    load(solver, program)
    return time.perf_counter() - began


def tell_hand_over(program, seconds):
    """Build, compile and hand-over against the arrays alone."""
    posed = Master(program.lean(), COST, LOSS).posed(Question())
    with_layer = min(ours(posed) for _ in range(REPEATS))
    alone = min(bare(posed) for _ in range(REPEATS))
    print("before the trace: " + ", ".join(f"{what} {spent:.2f} s" for what, spent in seconds.items()))
    print(
        f"hand-over of the first stage {1e3 * with_layer:.1f} ms, of the same arrays bare {1e3 * alone:.1f} ms: "
        f"ratio {with_layer / alone:.1f} (best of {REPEATS})"
    )


def tell_timeline(line):
    """Seconds until each mark."""
    good = [t for t, told in line.told if math.isfinite(told.mean_gap_share) and line.portfolios(t) >= PORTFOLIOS]
    first = f"{good[0]:.1f} s, {100 * line.left(good[0]).covered:.0f} % of the final range" if good else "never"
    print(f"first certified curve with {PORTFOLIOS} different portfolios: {first}")
    open_then = [(t, told, line.left(t)) for t, told in line.told if good and t >= good[0]]
    for gap in GAPS:
        near = next(((t, left) for t, told, left in open_then if told.mean_gap_share <= gap), None)
        whole = next((t for t, _, left in open_then if left.mean_gap <= gap), None)
        so_far = f"{near[0]:.1f} s ({100 * near[1].covered:.0f} % of the final range)" if near else "never"
        in_all = "never" if whole is None else f"{whole:.1f} s"
        print(f"mean gap {100 * gap:g} %: range so far {so_far}; final range {in_all}")
    for moment in MOMENTS:
        left, told = line.left(moment), [told for t, told in line.told if t <= moment]
        so_far = f"{100 * told[-1].uncertain_share:.1f} %" if told else "nothing known"
        note = "" if moment < line.seconds else f" (ended at {line.seconds:.1f} s)"
        print(
            f"at {moment:.0f} s: uncertain share {so_far} of the range so far, {100 * left.uncertain:.1f} % of the "
            f"final one; mean gap of the final range {100 * left.mean_gap:.2f} %{note}"
        )


def tell_certificate(line):
    """The certificate, recomputed from tables written to text and read back."""
    frontier = line.frontier
    tables = (frontier.points_table(), frontier.bounds_table(), frontier.segments_table())
    points, bounds, segments = (pd.read_csv(io.StringIO(table.to_csv(index=False))) for table in tables)
    found = certificate(points, bounds, segments)
    print(
        f"trace {line.seconds:.1f} s, {frontier.status}: {len(points)} points, {frontier.solves} solves; recomputed: "
        f"mean gap {100 * found.mean_gap_share:.3f} %, largest {100 * found.max_gap_share:.2f} %, uncertain share "
        f"{100 * found.uncertain_share:.2f} %; losses {found.safest:.2f} to {found.cheapest:.2f} months"
    )


def tell_solver(line, before):
    """Wall time in which HiGHS was at work nowhere, and what each worker did with its time."""
    here = np.array(solver_clock.RUNS).reshape(-1, 2)
    within = here[here[:, 0] >= line.began]
    workers = solver_clock.WatchedCrew.found
    in_solver = solver_clock.covered([within, *(runs for runs, _ in workers)])
    outside, whole = line.seconds - in_solver, line.seconds + before
    print(
        f"outside HiGHS: {outside:.1f} s of the trace ({100 * outside / line.seconds:.1f} %), with all before it "
        f"{outside + before:.1f} of {whole:.1f} s ({100 * (outside + before) / whole:.1f} %)"
    )
    for number, (runs, calls) in enumerate(workers, start=1):
        busy, solver = solver_clock.covered([calls]), solver_clock.covered([runs])
        print(
            f"worker {number}: {100 * solver / line.seconds:.1f} % in HiGHS ({len(runs)} runs), "
            f"{100 * (busy - solver) / line.seconds:.1f} % own work, "
            f"{100 * (line.seconds - busy) / line.seconds:.1f} % without a question"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", default="allied-magnets")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=GAPS[-1])
    parser.add_argument("--time-limit", type=float, default=900.0)
    arguments = parser.parse_args()
    instance, program, seconds = built(arguments.case)
    recourse = sum(block.recourse.shape[1] for block in program.blocks)
    print(
        f"{len(instance.facilities)} facilities, {len(instance.years)} years, {len(program.blocks)} shocks; "
        f"first stage {program.matrix.shape[0]} rows x {program.matrix.shape[1]} columns, "
        f"{int(program.is_integer.sum())} integer; recourse {recourse} columns"
    )
    tell_hand_over(program, seconds)
    solver_clock.watch()
    line = timed_trace(
        program, COST, LOSS, workers=arguments.workers, tolerance_share=arguments.tolerance,
        time_limit_s=arguments.time_limit, hire=solver_clock.WatchedCrew,
    )  # fmt: skip
    tell_timeline(line)
    tell_certificate(line)
    tell_solver(line, sum(seconds.values()))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory: main process {own:.0f} MB, largest worker {worker:.0f} MB")


if __name__ == "__main__":
    main()
