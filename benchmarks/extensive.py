"""Caps on the loss, each solved on the extensive form with plain HiGHS, against ours to the same share left open.

    python benchmarks/extensive.py [--size small middle] [--caps 8] [--gap 0.005] [--solve-limit 60] [--workers 2]

Ours goes first, to a small tolerance, and everything it knew is kept by the second. The caps are spread evenly over
the range of its curve (so the other side need not look for the ends), cost is minimised under each, as many at a time
as there are workers, and what they leave open is recomputed from their plans and bounds. The ratio is their seconds
over the second at which ours had left no more of the same range open. Building and compiling count for neither.

mpi-sppy is not compared. Its decompositions need MPI and split a sum over scenarios; here the first objective has no
part per shock, and the second, a tail mean by start year under a cap, ties all shocks together. What is left of it for
this program is the extensive form, which is what is solved here.
"""

import argparse
import multiprocessing
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from chains import write_chain
from scipy import sparse
from timeline import left_in, timed_trace
from whole import extensive

from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.solve.curve import Bound
from optimizer.solve.highs import Limits, solve
from optimizer.solve.question import Attained

SIZES = {"small": (1, 3, 4, 1), "middle": (1, 5, 5, 2), "large": (1, 5, 26, 2)}
"""Copies of the plants, years, events, start years of each event."""

HELD = []


def small_case(folder, base, size):
    """A chain of one of the sizes, written to a folder."""
    return write_chain(folder, base, *SIZES[size])


def hold(whole):
    """What a worker keeps."""
    HELD.append(whole)


def capped(task):
    """Least cost at a cap on the loss: values of the plan (None without), proven bound, solver's word, seconds."""
    cap, gap, limit = task
    whole = HELD[0]
    plain = whole.program
    row = sparse.csr_matrix(whole.second)
    limited = replace(
        plain,
        matrix=sparse.vstack([plain.matrix, row], format="csr"),
        row_lower=np.append(plain.row_lower, -np.inf),
        row_upper=np.append(plain.row_upper, cap - whole.second_constant),
    )
    found = solve(limited, Limits(limit, 0.0, gap))
    values = None if found.values is None else whole.values(found.values)
    return cap, values, found.bound, found.word, found.seconds


def solved(whole, caps, arguments):
    """All caps, side by side, with the wall seconds; starting the workers does not count."""
    tasks = [(cap, arguments.gap, arguments.solve_limit) for cap in caps]
    with multiprocessing.get_context("spawn").Pool(arguments.workers, hold, (whole,)) as pool:
        pool.map(abs, range(arguments.workers))
        began = time.perf_counter()
        return pool.map(capped, tasks, chunksize=1), time.perf_counter() - began


def compared(ready, arguments):
    """Print both sides and the ratio."""
    program = ready.program
    line = timed_trace(
        program, COST, LOSS, workers=arguments.workers, tolerance_share=arguments.tolerance,
        time_limit_s=arguments.time_limit,
    )  # fmt: skip
    box = line.box
    end = line.left(line.seconds)
    print(
        f"  ours: {line.seconds:.1f} s, {line.frontier.solves} solves, mean gap {100 * end.mean_gap:.2f} %, uncertain "
        f"share {100 * end.uncertain:.1f} %"
    )
    whole = extensive(program, COST, LOSS)
    answers, seconds = solved(whole, np.linspace(box.high, box.low, arguments.caps), arguments)
    bounds = [Bound("cap", cap, 0.0, bound, word) for cap, _, bound, word, _ in answers if np.isfinite(bound)]
    plans = [Attained(np.zeros(0), *values, str(k)) for k, (_, values, *_) in enumerate(answers) if values]
    for cap, values, bound, word, spent in answers:
        cost = "no plan" if values is None else f"cost {values[0]:.2f}"
        print(f"    cap {cap:.3f}: {cost}, bound {bound:.2f}, {word}, {spent:.1f} s")
    left = left_in(box, plans, bounds, has_segments=False)
    print(
        f"  extensive form, {whole.program.matrix.shape[0]} rows x {whole.program.matrix.shape[1]} columns: "
        f"{seconds:.1f} s, {len(answers)} solves, {len(plans)} plans, mean gap {100 * left.mean_gap:.2f} %, uncertain "
        f"share {100 * left.uncertain:.1f} %"
    )
    if not plans:
        print("  the extensive form gave no plan within its limits: nothing to compare, no ratio")
        return
    reached = line.reached(left.uncertain, box)
    if not np.isfinite(reached):
        print(f"  ours did not get to their share: theirs is better than ours after {line.seconds:.1f} s")
        return
    print(f"  to {100 * left.uncertain:.1f} %: {seconds:.1f} s against {reached:.1f} s, ratio {seconds / reached:.1f}")


def sized_cases(sizes, base):
    """Cases of these sizes, made ready one after another, each with a folder to work in."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            ready = prepare(small_case(Path(place) / size, base, size))
            facilities, shocks = len(ready.instance.facilities), len(ready.program.blocks)
            print(f"{size}: {facilities} facilities, {shocks} shocks", flush=True)
            yield ready, Path(place)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", nargs="+", choices=list(SIZES), default=["small", "middle"])
    parser.add_argument("--base", default="allied-magnets")
    parser.add_argument("--caps", type=int, default=8)
    parser.add_argument("--gap", type=float, default=0.005)
    parser.add_argument("--solve-limit", type=float, default=60.0)
    parser.add_argument("--tolerance", type=float, default=0.0025)
    parser.add_argument("--time-limit", type=float, default=120.0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    for ready, _ in sized_cases(arguments.size, arguments.base):
        compared(ready, arguments)


if __name__ == "__main__":
    main()
