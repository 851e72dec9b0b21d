"""Cuts that count, and losses that may be lacking: fewer questions to the shocks, the same proofs."""

from __future__ import annotations

import numpy as np
import pytest
import two_stage as toy
from two_stage import two_stage

from optimizer.solve import master
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.losses import Losses
from optimizer.solve.master import Master
from optimizer.solve.question import Question


def compiled(seed: int, suppliers: int = 8, shocks: int = 6) -> CompiledProgram:
    model, blocks = two_stage(seed, suppliers, shocks)
    return compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)


def heard_by(program: CompiledProgram) -> tuple[Master, Losses]:
    made = Master(program, "cost", "loss")
    assert made.losses is not None
    return made, made.losses


def test_those_near_the_tail_are_asked_first_then_those_that_lost_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten equal shocks, the worst fifth counts: two are felt."""
    monkeypatch.setattr(toy, "ALPHA", 0.8)
    model, blocks = two_stage(0, 5, 10)
    program = compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)
    _, losses = heard_by(program)
    x = np.clip(np.zeros(program.lower.size), program.lower, program.upper)
    for supplier, committed in {0: 6.0, 3: 4.0}.items():
        x[program.column_names.index(f"is_signed[{supplier}]")] = 1.0
        x[program.column_names.index(f"committed[{supplier}]")] = committed
    everybody = list(range(10))
    assert [list(blocks) for blocks in losses.turns(x, Question(), True)] == [everybody]  # nobody was heard yet
    losses.last = np.array([3.0, 9.0, 1.0, 0.0, 7.0, 5.0, 0.0, 2.0, 4.0, 6.0])
    near, losing, all_of_them = [list(blocks) for blocks in losses.turns(x, Question(), True)]
    assert {1, 4} <= set(near) <= {1, 4, 9}  # the value at risk may lie on the next
    assert sorted(near + losing) == [0, 1, 2, 4, 5, 7, 8, 9]
    assert all_of_them == everybody
    assert [list(blocks) for blocks in losses.turns(x, Question(), False)] == [everybody]
    losses.hot = [6]
    assert 6 in next(losses.turns(x, Question(), True))


@pytest.mark.parametrize("seed", range(4))
def test_a_price_is_what_a_month_more_of_a_loss_adds_to_the_measure(seed: int) -> None:
    made, losses = heard_by(compiled(seed, shocks=10))
    question = Question(max_second=6.0)
    x = made.relax(question).x
    assert x is not None
    true = made.recourse.evaluate(x).losses
    base = losses.measure.complete(x, true, 1.0, 0.0)
    assert base is not None
    assert 0 < np.count_nonzero(base.prices) < true.size  # a tail: some count, some do not
    for number, price in enumerate(base.prices):
        worse = true.copy()
        worse[number] += 0.01
        more = losses.measure.complete(x, worse, 1.0, 0.0)
        assert more is not None
        rise = (made.values(more.x)[1] - made.values(base.x)[1]) / 0.01
        assert rise >= price - 1e-4  # the measure is convex in the losses: no less than along its slope


@pytest.mark.parametrize("seed", range(6))
def test_cuts_that_count_are_enough_for_the_true_bound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bounds as with every violated cut."""
    found = {}
    for how in ("felt", "all"):
        made, losses = heard_by(compiled(seed, shocks=12))
        if how == "all":
            few = losses.heard
            monkeypatch.setattr(losses, "heard", lambda *a, few=few: _all_of(few(*a)))
        found[how] = [made.relax(Question(max_second=cap)).bound for cap in (9.0, 6.0, 4.0)]
    assert found["felt"] == pytest.approx(found["all"], rel=1e-7)


def _all_of(heard):
    return type(heard)(heard.plan, heard.violated, heard.violated)


@pytest.mark.parametrize("seed", range(6))
def test_slack_lets_losses_lack_and_keeps_the_bound_a_bound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master, "LARGE", 0)
    program = compiled(seed, suppliers=12, shocks=12)
    exact, loose = Master(program, "cost", "loss"), Master(program, "cost", "loss")
    asked: dict[str, int] = {"exact": 0, "loose": 0}
    for name, made in (("exact", exact), ("loose", loose)):
        evaluate = made.recourse.evaluate

        def counted(x, only=None, name=name, evaluate=evaluate):
            asked[name] += len(program.blocks) if only is None else len(only)
            return evaluate(x, only)

        monkeypatch.setattr(made.recourse, "evaluate", counted)
    for cap in (9.0, 6.0, 4.0):
        question = Question(max_second=cap)
        sure, found = exact.relax(question), loose.relax(question, slack=0.01 * sure_size(exact))
        assert found.bound <= sure.bound + 1e-6 * abs(sure.bound)
        assert found.bound >= sure.bound - 0.03 * sure_size(exact)
        if found.attained is not None and found.x is not None:
            lacking = made_value(loose, found) - found.bound
            assert lacking <= 0.01 * sure_size(exact) + 1e-6
    assert asked["loose"] <= asked["exact"]


def sure_size(made: Master) -> float:
    return abs(made.relax(Question()).bound)


def made_value(made: Master, found) -> float:
    """The plan's cost, with what it is over the cap at the cap's price."""
    second = made.values(found.x)[1]
    return found.attained.first + found.price * max(0.0, found.attained.second - second)
