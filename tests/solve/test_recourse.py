from __future__ import annotations

import numpy as np
import pytest
from two_stage import two_stage

from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.recourse import Recourse


def compiled(seed: int, suppliers: int = 5, shocks: int = 6) -> CompiledProgram:
    model, blocks = two_stage(seed, suppliers, shocks)
    return compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)


def plan(program: CompiledProgram, random: np.random.Generator) -> np.ndarray:
    top = np.where(np.isfinite(program.upper), program.upper, 20.0)
    return random.uniform(program.lower, top)


def test_losses_by_hand() -> None:
    program = compiled(3)
    x = np.zeros(program.lower.size)
    # Nothing committed, no stock: all demand is lost, 24 months of it.
    with Recourse(program) as recourse:
        assert recourse.evaluate(x).losses == pytest.approx(24.0)
        x[program.column_names.index("stock")] = 2.5
        assert recourse.evaluate(x).losses == pytest.approx(18.0)


def test_cuts_never_exceed_the_loss_and_are_tight() -> None:
    for seed in range(4):
        program = compiled(seed)
        random = np.random.default_rng(seed)
        with Recourse(program) as recourse:
            points = [plan(program, random) for _ in range(12)]
            answers = [recourse.evaluate(x) for x in points]
            for x, own in zip(points, answers, strict=True):
                for y, other in zip(points, answers, strict=True):
                    for loss, cut in zip(other.losses, own.cuts, strict=True):
                        assert cut.at(y) <= loss + 1e-12
                for loss, cut in zip(own.losses, own.cuts, strict=True):
                    assert cut.at(x) == pytest.approx(loss, abs=1e-6)


def test_points_outside_the_bounds_are_clipped() -> None:
    program = compiled(0)
    with Recourse(program) as recourse:
        inside = recourse.evaluate(np.zeros(program.lower.size))
        assert recourse.evaluate(np.full(program.lower.size, -1e-9)).losses == pytest.approx(inside.losses)


def test_plans_hold_the_loss_and_lower_the_second_cost() -> None:
    program = compiled(2)
    x = plan(program, np.random.default_rng(5))
    with Recourse(program) as recourse:
        losses = recourse.evaluate(x).losses
        plans = recourse.plan(x)
        costs = [np.zeros(len(b.column_names)) for b in program.blocks]
        for block, cost in zip(program.blocks, costs, strict=True):
            cost[[k for k, key in enumerate(block.column_keys) if key == ("flow", (0,))]] = 1.0
        spared = recourse.plan(x, costs)
    for block, found, loss, less, cost in zip(program.blocks, plans, losses, spared, costs, strict=True):
        values = dict(zip(block.column_keys, found.values, strict=True))
        assert 24.0 * values[("shortfall", ())] / 10.0 == pytest.approx(loss, abs=1e-5)
        activity = block.recourse @ found.values + block.linking @ x + block.theta_coefficient * (loss + 1e-5)
        assert np.all(activity <= block.row_upper + 1e-5)
        assert np.all(activity >= block.row_lower - 1e-5)
        assert cost @ less.values <= cost @ found.values + 1e-6


def test_processes_give_the_same() -> None:
    program = compiled(1)
    x = plan(program, np.random.default_rng(1))
    with Recourse(program) as here, Recourse(program, workers=2) as there:
        assert there.evaluate(x).losses.tolist() == here.evaluate(x).losses.tolist()
        assert [p.name for p in there.plan(x)] == [b.name for b in program.blocks]
