"""Cuts that bind nowhere near are put aside, and come back where they are violated."""

from __future__ import annotations

import numpy as np
import pytest
from two_stage import two_stage

from optimizer.solve import master, pool
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.master import Master
from optimizer.solve.pool import Pool
from optimizer.solve.question import Question
from optimizer.solve.recourse import Cut

SLOPE = np.array([0]), np.array([-1.0])
"""A loss falls by 1 with each unit of column 0; the losses are columns 1 and 2."""


def three() -> Pool:
    """theta_1 >= 5 - x, theta_1 >= 3 - x, theta_2 >= 4 - x, all held."""
    made = Pool(3)
    made.held = made.add([Cut(1, 5.0, *SLOPE), Cut(1, 3.0, *SLOPE), Cut(2, 4.0, *SLOPE)])
    return made


def compiled(seed: int) -> CompiledProgram:
    model, blocks = two_stage(seed, suppliers=12, shocks=8)
    return compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)


def test_rows_say_what_the_cuts_say() -> None:
    matrix, lower = three().rows([2, 0])
    assert matrix.toarray().tolist() == [[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    assert lower.tolist() == [4.0, 5.0]
    assert pool.cut_rows([], 3)[0].shape == (0, 3)


def test_idle_cuts_of_many_are_put_aside_but_for_those_that_bind(monkeypatch: pytest.MonkeyPatch) -> None:
    made = three()
    for _ in range(pool.IDLE + 1):
        made.note(np.array([0.5, 0.0, 0.0]))
    assert made.wanted([]) == [0, 1, 2]  # three are not many
    monkeypatch.setattr(pool, "MANY", 2)
    assert made.wanted([]) == [0]
    assert made.wanted([2]) == [0, 2]
    made.note(np.array([0.0, 0.0, 0.1]))
    assert made.wanted([]) == [0, 2]


def test_of_cuts_put_aside_the_worst_of_each_loss_comes_back() -> None:
    made = three()
    assert made.violated(np.array([0.0, 0.0, 0.0])) == []  # all are held
    made.held = []
    assert made.violated(np.array([1.0, 0.0, 0.0])) == [0, 2]  # 4 beats 2
    assert made.violated(np.array([1.0, 4.0, 2.0])) == [2]
    made.held = [0]
    assert made.violated(np.array([1.0, 0.0, 3.0])) == [1]


@pytest.mark.parametrize("seed", range(6))
def test_bounds_are_the_same_with_few_cuts_held(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    caps = (6.0, 2.0, 4.0, 3.0, 5.0)
    whole = Master(compiled(seed), "cost", "loss")
    expected = [whole.relax(Question(max_second=cap)).bound for cap in caps]
    monkeypatch.setattr(master, "LARGE", 0)
    monkeypatch.setattr(pool, "MANY", 0)
    monkeypatch.setattr(pool, "IDLE", 0)
    lean, aside = Master(compiled(seed), "cost", "loss"), 0
    for cap, bound in zip(caps, expected, strict=True):
        assert lean.relax(Question(max_second=cap)).bound == pytest.approx(bound, rel=1e-6, abs=1e-6)
        assert lean.warm.program.matrix.shape[0] == lean.first_row + 1 + len(lean.pool.held)
        aside += len(lean.cuts) - len(lean.pool.held)
    assert len(set(lean.pool.held)) == len(lean.pool.held)
    assert aside > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_relaxation_goes_on_from_its_basis_without_idle_cuts(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Master(compiled(seed), "cost", "loss")
    for cap in (6.0, 2.0, 4.0):
        bound = whole.relax(Question(max_second=cap)).bound
    before = len(whole.pool.held)
    whole.set_idle_aside()
    assert len(whole.pool.held) == before  # neither large nor many
    monkeypatch.setattr(master, "LARGE", 0)
    monkeypatch.setattr(pool, "MANY", 0)
    monkeypatch.setattr(pool, "IDLE", -1)
    whole.set_idle_aside()
    assert len(whole.pool.held) < before
    again = whole.warm.solve()
    assert again.objective == pytest.approx(bound, rel=1e-6, abs=1e-6)
    assert whole.warm._solver.getInfo().simplex_iteration_count == 0
    assert not whole.pool.violated(again.values)


def test_little_to_put_aside_is_not_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Master(compiled(0), "cost", "loss")
    whole.relax(Question(max_second=3.0))
    before = list(whole.pool.held)
    monkeypatch.setattr(master, "LARGE", 0)
    monkeypatch.setattr(pool, "MANY", 0)
    monkeypatch.setattr(pool, "IDLE", -1)
    monkeypatch.setattr(master, "WORTH_IT", 0.0)
    whole.set_idle_aside()
    assert whole.pool.held == before
