"""Hundreds of small programs, pure-integer and mixed, against every combination of their integers tried by hand."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

sys.path.append(str(Path(__file__).parents[1] / "solve"))
from brute import enumerate_front, program, random_integer

from optimizer.errors import Infeasible
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.one import solve_at

BLOCKS, IN_A_BLOCK = 8, 25


def random_mixed(seed: int) -> CompiledProgram:
    """Four switches with fixed costs, four amounts behind them, a demand; both objectives of mixed signs."""
    dice = np.random.default_rng(seed)
    tops = dice.integers(2, 9, size=4).astype(float)
    demand = float(dice.integers(1, max(2, int(tops.sum()) + 2)))
    costs = np.vstack(
        [
            np.concatenate([dice.integers(0, 9, 4), dice.integers(-2, 9, 4)]),
            np.concatenate([dice.integers(-3, 6, 4), dice.integers(-4, 5, 4)]),
        ]
    )
    behind = np.hstack([-np.diag(tops), np.eye(4)])
    wanted = np.concatenate([np.zeros(4), -np.ones(4)])
    crossed = np.concatenate([dice.integers(0, 4, 4), dice.integers(0, 3, 4)])
    upper = np.append(np.zeros(4), [-demand, float(dice.integers(6, 40))])
    limits = np.append(np.ones(4), tops)
    is_integer = np.append(np.ones(4, dtype=bool), np.zeros(4, dtype=bool))
    return program(costs, np.vstack([behind, wanted, crossed]), upper, limits, is_integer)


def by_hand(compiled: CompiledProgram, cap: float) -> float:
    """Least first objective at a cap on the second: a linear program for every choice of the switches."""
    first, second = (compiled.objectives[name][0] for name in ("first", "second"))
    rows, sides = compiled.matrix.toarray(), compiled.row_upper
    if math.isfinite(cap):
        rows, sides = np.vstack([rows, second]), np.append(sides, cap)
    whole = np.flatnonzero(compiled.is_integer)
    best = math.inf
    for choice in itertools.product((0.0, 1.0), repeat=whole.size):
        lower, upper = compiled.lower.copy(), compiled.upper.copy()
        lower[whole] = upper[whole] = choice
        found = linprog(first, A_ub=rows, b_ub=sides, bounds=np.column_stack([lower, upper]), method="highs-ds")
        if found.status == 0:
            best = min(best, float(found.fun))
    return best


@pytest.mark.parametrize("block", range(BLOCKS))
def test_mixed_programs(block: int) -> None:
    decided = 0
    for seed in range(block * IN_A_BLOCK, (block + 1) * IN_A_BLOCK):
        compiled = random_mixed(seed)
        cap = float(np.random.default_rng(seed).choice([math.inf, 0.0, -6.0]))
        least = by_hand(compiled, cap)
        asked = None if math.isinf(cap) else cap
        if math.isinf(least):
            with pytest.raises(Infeasible):
                solve_at(compiled, "first", "second", effort=Effort(gap_share=0.0), max_second=asked)
            continue
        point = solve_at(compiled, "first", "second", effort=Effort(gap_share=0.0), max_second=asked)
        assert point.first == pytest.approx(least, abs=1e-5), seed
        assert point.bound <= least + 1e-5, seed
        decided += 1
    assert decided > IN_A_BLOCK // 4


@pytest.mark.parametrize("block", range(BLOCKS))
def test_integer_programs(block: int) -> None:
    for seed in range(5000 + block * IN_A_BLOCK, 5000 + (block + 1) * IN_A_BLOCK):
        compiled = random_integer(seed)
        front = sorted(enumerate_front(compiled))
        for cap in (math.inf, front[len(front) // 2][1], front[-1][1]):
            asked = None if math.isinf(cap) else cap
            least = min(first for first, second in front if second <= cap)
            point = solve_at(compiled, "first", "second", effort=Effort(gap_share=0.0), max_second=asked)
            assert point.first == pytest.approx(least, abs=1e-6), (seed, cap)
            assert point.second <= cap + 1e-6
        with pytest.raises(Infeasible):
            solve_at(compiled, "first", "second", effort=Effort(gap_share=0.0), max_second=front[-1][1] - 1.0)
