"""Run the exact frontier on published bi-objective instances and compare with the known answers.

Usage: python benchmarks/frontier_instances.py --instances DIR [--only PATTERN] [--time-limit S]

DIR holds ``ukp/*.dat`` with ``.min`` (bi-objective knapsack, vOptLib) and ``bomip/*dat.txt`` with ``*out.txt``
(bi-objective mixed-binary programs, Boland, Charkhgard and Savelsbergh). Nothing is copied from there.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import sys
import time
from pathlib import Path

import numpy as np
from scipy import sparse

from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import Frontier, trace_frontier

PUBLISHED = 1e-6
"""Half a digit of what is published, and what a verified plan may miss a row by."""

OPEN_END = 0.02
"""Published ends of open segments are clipped by about 0.01."""


def program(
    first: np.ndarray, second: np.ndarray, matrix: np.ndarray, upper: np.ndarray, binary: np.ndarray
) -> CompiledProgram:
    """Minimise two objectives over ``matrix @ x <= upper``, x >= 0, some columns binary."""
    rows, columns = matrix.shape
    return CompiledProgram(
        objectives={"first": (first, 0.0), "second": (second, 0.0)},
        signs={"first": 1, "second": 1},
        matrix=sparse.csr_matrix(matrix),
        row_lower=np.full(rows, -np.inf),
        row_upper=upper,
        lower=np.zeros(columns),
        upper=np.where(binary, 1.0, np.inf),
        is_integer=binary,
        column_names=tuple(f"x[{j}]" for j in range(columns)),
        row_names=tuple(f"row[{i}]" for i in range(rows)),
    )


def knapsack(path: Path) -> tuple[CompiledProgram, set[tuple[float, float]]]:
    """A bi-objective knapsack and its known nondominated points (values maximised, so minimised with sign)."""
    text = re.sub(r"#.*", "", path.read_text())
    numbers = [float(word) for word in text.split()]
    n, objectives, constraints = (int(number) for number in numbers[:3])
    rest = np.array(numbers[3:])
    costs = rest[: n * objectives].reshape(objectives, n)
    weights = rest[n * objectives : n * (objectives + constraints)].reshape(constraints, n)
    capacity = rest[n * (objectives + constraints) :][:constraints]
    known = np.loadtxt(path.with_suffix(".min"), ndmin=2)[:, :2]
    return (
        program(-costs[0], -costs[1], weights, capacity, np.ones(n, dtype=bool)),
        {(-a, -b) for a, b in known},
    )


def mixed(path: Path) -> tuple[CompiledProgram, np.ndarray]:
    """A bi-objective mixed-binary program and the vertices of its known front (z1, z2, joined to the next).

    Layout: sizes (all, continuous, binary); both objectives, continuous then binary part; the continuous columns over
    all rows; the one binary coefficient of each of the first rows; right-hand sides. At most a third of the binaries
    may be 1.
    """
    lines = [[float(word) for word in line.split()] for line in path.read_text().splitlines() if line.split()]
    columns, continuous, binaries = (int(line[0]) for line in lines[:3])
    first, second = np.array(lines[3] + lines[4]), np.array(lines[5] + lines[6])
    upper = np.array(lines[8 + continuous])
    matrix = np.zeros((upper.size + 1, columns))
    matrix[:-1, :continuous] = np.array(lines[7 : 7 + continuous]).T
    for i, coefficient in enumerate(lines[7 + continuous]):
        matrix[i, continuous + i] = coefficient
    matrix[-1, continuous:] = 1.0
    known = np.loadtxt(path.with_name(path.name.replace("dat", "out")), ndmin=2)
    is_binary = np.arange(columns) >= continuous
    return program(first, second, matrix, np.append(upper, binaries // 3), is_binary), known


def beaten(frontier: Frontier, known: np.ndarray) -> np.ndarray:
    """Which known vertices a plan found beats: as good in one objective (to the digits published), better in the other.

    Such a vertex is the open end of a segment, or was taken for nondominated by rounding; it is on no frontier.
    """
    points = np.array([[p.first, p.second] for p in frontier.points])
    vertices = known[:, None, :2]
    as_good = np.all(points <= vertices + PUBLISHED, axis=2)
    better = np.any(points < vertices - 100.0 * PUBLISHED, axis=2)
    return np.any(as_good & better, axis=1)


def off_curve(frontier: Frontier, known: np.ndarray) -> float:
    """Largest distance (in either objective) of a known vertex to the curve found."""
    points = np.array([[p.first, p.second] for p in frontier.points])
    lines = [(points[s.from_point - 1], points[s.to_point - 1]) for s in frontier.segments]
    lines += [(point, point) for point in points]
    worst = 0.0
    for vertex in known[:, :2]:
        nearest = np.inf
        for a, b in lines:
            length = float((b - a) @ (b - a))
            share = 0.0 if length == 0 else float(np.clip((vertex - a) @ (b - a) / length, 0.0, 1.0))
            nearest = min(nearest, float(np.max(np.abs(a + share * (b - a) - vertex))))
        worst = max(worst, nearest)
    return worst


def main() -> int:
    """Run and print one line per instance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=Path, required=True)
    parser.add_argument("--only", default="*")
    parser.add_argument("--time-limit", type=float, default=300.0)
    options = parser.parse_args()
    good = True
    print(f"{'instance':14} {'points':>7} {'known':>7} {'solves':>7} {'seconds':>8}  status    agrees")
    for path in sorted((options.instances / "ukp").glob("*.dat")):
        if not fnmatch.fnmatch(path.stem, options.only):
            continue
        compiled, known = knapsack(path)
        frontier, seconds = _timed(compiled, options.time_limit)
        found = {(round(p.first, 6), round(p.second, 6)) for p in frontier.points}
        agrees = found == known
        good &= agrees
        _line(path.stem, frontier, len(known), seconds, agrees)
    for path in sorted((options.instances / "bomip").glob("*dat.txt")):
        name = path.name.removesuffix("dat.txt") + "bomip"
        if not fnmatch.fnmatch(name, options.only):
            continue
        compiled, vertices = mixed(path)
        frontier, seconds = _timed(compiled, options.time_limit)
        dominated = beaten(frontier, vertices)
        distance = off_curve(frontier, vertices[~dominated])
        agrees = frontier.status == "complete" and distance <= OPEN_END
        good &= agrees
        _line(name, frontier, len(vertices), seconds, agrees)
        print(f"{'':14} known vertices off the curve found: at most {distance:.6f}; beaten by it: {dominated.sum()}")
    return 0 if good else 1


def _timed(compiled: CompiledProgram, limit: float) -> tuple[Frontier, float]:
    began = time.perf_counter()
    frontier = trace_frontier(compiled, "first", "second", effort=Effort(time_limit_s=limit), exact=True)
    return frontier, time.perf_counter() - began


def _line(name: str, frontier: Frontier, known: int, seconds: float, agrees: bool) -> None:
    count = len(frontier.points)
    verdict = "yes" if agrees else "NO"
    print(
        f"{name:14} {count:7} {known:7} {frontier.solves:7} {seconds:8.1f}  {frontier.status:9} {verdict}", flush=True
    )


if __name__ == "__main__":
    sys.exit(main())
