"""Shocks that do nothing to a plan are seen by its going on, and never where they do something."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from two_stage import two_stage

from optimizer.solve import master
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import Affine, CompiledProgram
from optimizer.solve.master import Master
from optimizer.solve.question import Question
from optimizer.solve.recourse import Recourse, Shocks
from optimizer.solve.reduce import reduce
from optimizer.solve.settled import GoingOn


def compiled(seed: int, suppliers: int = 5, shocks: int = 12) -> CompiledProgram:
    """The toy, whose plan goes on by taking what is committed."""
    m, blocks = two_stage(seed, suppliers, shocks)
    goes_on = [[(m.shock[s].flow[i], [(1.0, m.committed[i])], 0.0) for i in m.I] for s in m.S]
    return compile_model(m, {"cost": m.cost, "loss": m.loss_measure}, blocks, goes_on)


def plan(program: CompiledProgram, committed: dict[int, float]) -> np.ndarray:
    x = np.zeros(program.lower.size)
    for supplier, volume in committed.items():
        x[program.column_names.index(f"committed[{supplier}]")] = volume
    return x


def settled(program: CompiledProgram, x: np.ndarray) -> list[bool]:
    return [GoingOn(block, 0.0).holds(x) for block in program.blocks]


def shares(program: CompiledProgram, supplier: int) -> list[float]:
    """What each shock leaves of a supplier, from the rows ``flow <= 1.15 share committed``."""
    column = program.column_names.index(f"committed[{supplier}]")
    found = []
    for block in program.blocks:
        (row,) = (k for k, name in enumerate(block.row_names) if name.endswith(f"capacity_limit[{supplier}]"))
        found.append(-float(block.linking[row, column]) / 1.15)
    return found


def test_by_hand_a_shock_is_settled_where_it_leaves_those_alone_who_deliver() -> None:
    program = compiled(1)
    x = plan(program, {0: 6.0, 3: 4.0})  # demand is 10: taken as committed, nothing from stock
    untouched = [a == b == 1.0 for a, b in zip(shares(program, 0), shares(program, 3), strict=True)]
    assert 0 < sum(untouched) < len(untouched)
    assert settled(program, x) == untouched
    with Recourse(program) as recourse:
        assert [loss == 0.0 for loss in recourse.evaluate(x).losses] == untouched
    # a plan that does not meet demand as planned goes on in no shock
    assert not any(settled(program, plan(program, {0: 6.0, 3: 3.0})))


def test_a_settled_shock_costs_no_solve_and_its_cut_says_only_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled(1)
    x = plan(program, {0: 6.0, 3: 4.0})
    loaded = Shocks(dict(enumerate(program.blocks)), dict.fromkeys(range(12), 0.0))
    answers = loaded.evaluate(x, range(12))
    assert sorted(loaded.loaded) == [k for k, is_settled in enumerate(settled(program, x)) if not is_settled]
    for number, is_settled in enumerate(settled(program, x)):
        if is_settled:
            loss, cut = answers[number]
            assert (loss, cut.theta, cut.constant, cut.indices.size) == (0.0, program.blocks[number].theta, 0.0, 0)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_guessed_a_settled_shock_loses_nothing(seed: int) -> None:
    """Guesses of all kinds, mostly wrong: the rows decide."""
    random = np.random.default_rng(seed)
    program = compiled(seed)
    blocks = [replace(block, continued=_bent(block.continued, random)) for block in program.blocks]
    program = replace(program, blocks=tuple(blocks))
    count = 0
    without = replace(program, blocks=tuple(replace(block, continued=None) for block in blocks))
    with Recourse(without) as exact, Recourse(program) as quick:
        for _ in range(12):
            volumes = random.dirichlet(np.ones(2)) * 10.0
            x = plan(program, dict(zip(random.permutation(5)[:2].tolist(), volumes.tolist(), strict=True)))
            true, found = exact.evaluate(x).losses, quick.evaluate(x)
            assert found.losses == pytest.approx(true, abs=1e-5)
            assert all(cut.at(x) <= loss + 1e-5 for cut, loss in zip(found.cuts, true, strict=True))
            count += sum(settled(program, x))
    assert count or seed % 2  # every other seed keeps right guesses among the wrong ones


def _bent(form: Affine | None, random: np.random.Generator) -> Affine:
    assert form is not None
    if random.random() < 0.5:
        return form
    matrix = form.matrix + sparse.random(*form.matrix.shape, density=0.05, random_state=random, format="csr")
    return Affine(matrix.tocsr(), form.constant + random.choice([0.0, 1.0], form.constant.size))


def test_a_guess_is_the_same_in_the_reduced_program() -> None:
    program = compiled(2)
    form = reduce(program)
    random = np.random.default_rng(0)
    for _ in range(10):
        z = random.uniform(0.0, 3.0, form.program.lower.size)
        whole = form.back @ z + form.constant
        for block, small in zip(program.blocks, form.program.blocks, strict=True):
            assert block.continued is not None
            assert small.continued is not None
            guess = small.continued.matrix @ z + small.continued.constant
            assert guess == pytest.approx(block.continued.matrix @ whole + block.continued.constant)


@pytest.mark.parametrize("seed", range(4))
def test_bounds_and_plans_do_not_depend_on_what_is_settled(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "LARGE", 0)
    program = compiled(seed, suppliers=8)
    plain = replace(program, blocks=tuple(replace(block, continued=None) for block in program.blocks))
    found: list[list[tuple[float, float]]] = []
    for each in (program, plain):
        made = Master(each, "cost", "loss")
        answers: list[Any] = [made.relax(Question(max_second=cap)) for cap in (9.0, 6.0, 4.0)]
        found.append([(answer.bound, answer.attained.first) for answer in answers if answer.attained is not None])
    assert len(found[0]) == 3
    assert np.array(found[0]) == pytest.approx(np.array(found[1]), rel=1e-6)
