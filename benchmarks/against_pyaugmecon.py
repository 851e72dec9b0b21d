"""PyAUGMECON 2 with HiGHS on the same program, against ours to the same share left open.

    python3.12 -m venv other && other/bin/pip install 'pyaugmecon[highs]>=2' scipy
    python benchmarks/against_pyaugmecon.py --python other/bin/python [--size small middle] [--levels 10] [--gap 0.005]

Both get the same rows and columns (the shocks written out) and the same number of processes. PyAUGMECON is given what
it lacks: the loss of the cheapest plan as its nadir, from our curve. It proves no bounds; every level of its grid is
credited with the cheapest of its points there times (1 - gap), as if its solve had ended with that proof, and its
least loss as if it were proven. Its own points span the range looked at. Its seconds are those it reports itself,
after the model is written. A run that its time limit ends gives nothing at all: then there is no ratio.
"""

import argparse
import json
import math
import subprocess
from pathlib import Path

import numpy as np
from extensive import SIZES, sized_cases
from timeline import Box, left_in, timed_trace
from whole import extensive

from optimizer.jobs.prepare import COST, LOSS
from optimizer.solve.curve import Bound
from optimizer.solve.question import Attained


def hand_over(whole, path):
    """Write the arrays of the extensive form."""
    plain = whole.program
    matrix = plain.matrix
    np.savez(
        path, data=matrix.data, indices=matrix.indices, indptr=matrix.indptr, shape=matrix.shape,
        row_lower=plain.row_lower, row_upper=plain.row_upper, lower=plain.lower, upper=plain.upper,
        is_integer=plain.is_integer, first=whole.first, second=whole.second, first_constant=whole.first_constant,
        second_constant=whole.second_constant,
    )  # fmt: skip


def theirs(arguments, arrays, nadir):
    """What PyAUGMECON found; None if its time ended; an error in words if it gave up."""
    asked = {"levels": arguments.levels, "gap": arguments.gap, "nadir": nadir, "workers": arguments.workers}
    side = str(Path(__file__).parent / "pyaugmecon_side.py")
    words = [arguments.python, side, str(arrays), json.dumps(asked)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=arguments.their_limit)
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    if not lines:
        return (done.stderr.strip() or done.stdout.strip() or "nothing said").splitlines()[-1]
    return json.loads(lines[0].removeprefix("FOUND "))


def credited(found, arguments, nadir):
    """Its points as plans, and the bounds each level of its grid is credited with."""
    points = [tuple(point) for point in found["points"]]
    least = min(row[1] for row in found["payoff"])
    bounds = [Bound("infeasible", math.nextafter(least, -math.inf), 0.0, math.inf, "credited")]
    levels = [*np.linspace(least, nadir, arguments.levels), math.inf]
    for level in levels:
        costs = [cost for cost, loss in points if loss <= level + 1e-6 * (1.0 + abs(level))]
        if costs:
            bounds.append(Bound("cap", float(level), 0.0, min(costs) * (1.0 - arguments.gap), "credited"))
    return [Attained(np.zeros(0), cost, loss, str(k)) for k, (cost, loss) in enumerate(points)], bounds


def compared(ready, place, arguments):
    """Print both sides and the ratio."""
    line = timed_trace(
        ready.program, COST, LOSS, workers=arguments.workers, tolerance_share=arguments.tolerance,
        time_limit_s=arguments.time_limit,
    )  # fmt: skip
    end = line.left(line.seconds)
    print(
        f"  ours: {line.seconds:.1f} s, {line.frontier.solves} solves, mean gap {100 * end.mean_gap:.2f} %, uncertain "
        f"share {100 * end.uncertain:.1f} % of its own range",
        flush=True,
    )
    whole = extensive(ready.program, COST, LOSS)
    hand_over(whole, place / "arrays.npz")
    nadir = line.box.high
    found = theirs(arguments, place / "arrays.npz", nadir)
    if found is None:
        print(f"  PyAUGMECON: nothing after {arguments.their_limit:.0f} s, model writing included; no ratio")
    elif isinstance(found, str):
        print(f"  PyAUGMECON gave up: {found}")
    else:
        tell_ratio(line, found, arguments, nadir)


def tell_ratio(line, found, arguments, nadir):
    """What its points leave open, and when ours had left no more."""
    plans, bounds = credited(found, arguments, nadir)
    if len(plans) < 2:
        print(f"  PyAUGMECON: {found['seconds']:.1f} s, {len(plans)} points; no range to compare")
        return
    box = Box.around([(plan.first, plan.second) for plan in plans])
    left = left_in(box, plans, bounds, has_segments=False)
    reached = line.reached(left.uncertain, box)
    print(
        f"  PyAUGMECON: {found['seconds']:.1f} s, {found['solves']} solves ({found['infeasible']} infeasible), "
        f"{len(plans)} points, mean gap {100 * left.mean_gap:.2f} %, uncertain share {100 * left.uncertain:.1f} % of "
        f"its own range (losses {box.low:.2f} to {box.high:.2f})"
    )
    if not math.isfinite(reached):
        print(f"  ours did not get to their share: theirs is better than ours after {line.seconds:.1f} s")
        return
    print(
        f"  to {100 * left.uncertain:.1f} % of that range: {found['seconds']:.1f} s against {reached:.1f} s, "
        f"ratio {found['seconds'] / reached:.1f}"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", required=True, help="interpreter of an environment that has PyAUGMECON")
    parser.add_argument("--size", nargs="+", choices=list(SIZES), default=["small", "middle"])
    parser.add_argument("--base", default="allied-magnets")
    parser.add_argument("--levels", type=int, default=10)
    parser.add_argument("--gap", type=float, default=0.005)
    parser.add_argument("--tolerance", type=float, default=0.0025)
    parser.add_argument("--time-limit", type=float, default=120.0)
    parser.add_argument("--their-limit", type=float, default=900.0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    for ready, place in sized_cases(arguments.size, arguments.base):
        compared(ready, place, arguments)


if __name__ == "__main__":
    main()
