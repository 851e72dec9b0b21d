"""What shocks of the toys do to plans: where going on as planned settles one, its own program says the same."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from toy import NAMES, cheapest, ready

from optimizer.solve.recourse import Recourse
from optimizer.solve.settled import GoingOn

SOLVABLE = [name for name in NAMES if name != "cannot-be"]


@cache
def settled_and_lost(name: str) -> tuple[int, int, int]:
    """Shocks settled by the cheapest plan's going on, shocks that lose nothing, and all."""
    program = ready(name).program
    x = cheapest(program).x
    losses = [number for number, block in enumerate(program.blocks) if block.continued is not None]
    plain = replace(program, blocks=tuple(replace(block, continued=None) for block in program.blocks))
    with Recourse(plain) as recourse:
        true = recourse.evaluate(x, losses).losses if losses else np.zeros(0)
    settled = [GoingOn(program.blocks[number], 0.0).holds(x) for number in losses]
    assert not np.any(true[settled] > 1e-6)
    return sum(settled), int(np.sum(true <= 1e-6)), len(losses)


@pytest.mark.parametrize("name", SOLVABLE)
def test_settled_shocks_of_toys_lose_nothing(name: str) -> None:
    settled, harmless, count = settled_and_lost(name)
    assert settled <= harmless <= count
    if name != "no-market":  # without a market nothing can be lost, and the reduction takes the block out whole
        assert count == len(ready(name).instance.shocks)


def test_most_harmless_shocks_of_toys_are_settled_without_a_program() -> None:
    figures = [settled_and_lost(name) for name in SOLVABLE]
    assert sum(settled for settled, _, _ in figures) > 0.5 * sum(harmless for _, harmless, _ in figures) > 0
