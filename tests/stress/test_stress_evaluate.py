"""The evaluator against the model's own recourse blocks, and what it may skip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_instance import everything, under_rules
from toy_runs import ANY, PLANT, TOYS, own_losses, stock_run

from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.jobs.reopen import reopen
from optimizer.model.build import build_model, recourse_blocks
from optimizer.model.sets import build_sets
from optimizer.solve.compile import compile_model
from optimizer.solve.recourse import Recourse
from optimizer.stress.evaluate import respond
from optimizer.stress.strikes import Window, network_of, strikes_of
from optimizer.stress.templates import Group, Plans, compiled_templates, groups_of, limits_of
from optimizer.stress.trial import put_to
from optimizer.stress.trim import trimmed
from optimizer.stress.used import use_of

SHOCKED = sorted(path.parent.name for path in TOYS.glob("*/events.csv") if path.parent.name != "cannot-be")


@pytest.mark.parametrize("name", SHOCKED)
def test_evaluator_agrees_with_the_model_on_every_toy(name: str, tmp_path: Path) -> None:
    losses, known = own_losses(solve_plan(TOYS / name, tmp_path / "run", Options()).path)
    assert set(losses.index) == set(known.index)
    assert losses.to_dict() == pytest.approx(known["loss_months"].to_dict(), abs=1e-6)


def _groups(instance):
    """One group per shock of an instance, at the shock's own shares."""
    groups = []
    for number, shock in enumerate(instance.shocks.values()):
        cut = {(f, 0): {} for f, _ in shock.facility_share} | {(lane, b): {} for lane, _, b in shock.lane_share}
        for (f, k), share in shock.facility_share.items():
            cut[f, 0][k] = share
        for (lane, k, bit), share in shock.lane_share.items():
            cut[lane, bit][k] = share
        keys = tuple(sorted(cut))
        shares = np.array([[[cut[key].get(p.period, 1.0) for p in shock.periods] for key in keys]])
        groups.append(Group(shock.start_year, keys, np.array([number]), shock.periods, shares))
    return groups


@pytest.mark.parametrize("make", [everything, under_rules])
@pytest.mark.parametrize("seed", range(3))
def test_evaluator_agrees_with_the_model_at_any_first_stage(make, seed: int) -> None:
    """The rich instances have every kind of row and column; plans are random, most columns at zero."""
    instance = replace(make(), includes_shock_cost=False)
    model = build_model(instance)
    program = compile_model(model, {}, recourse_blocks(model))
    rng = np.random.default_rng(seed)
    size = program.lower.size
    top = np.where(np.isfinite(program.upper), program.upper, 150.0)
    x = np.where(rng.random(size) < 0.6, rng.random(size) * top, 0.0)
    x = np.where(program.is_integer, np.round(x), x)
    x[[component == "stock" for component, _ in program.column_keys]] *= 0.01  # what is held must fit its place
    plans = Plans.of(program, {1: x})
    with Recourse(program) as recourse:
        known = recourse.evaluate(x).losses
    sets, window = build_sets(instance), Window(24.0, instance.years[-1])
    groups = _groups(instance)
    parts = (instance, trimmed(instance, sets, plans))
    for part in parts:
        own = compiled_templates(groups, instance, sets, part, window)
        vector = plans.in_order_of(own)[1]
        for group, block in zip(groups, own.blocks, strict=True):
            found = respond(block, vector, group, limits_of(block, group, instance))
            assert found.losses[0] == pytest.approx(known[group.positions[0]], abs=1e-6)


def _grid() -> tuple[str, str]:
    """Twelve stoppages of the same plant, of different length and depth, one of them in two steps."""
    events, effects = "", ""
    for months in (1, 3, 5, 8):
        for share in (0.0, 0.35, 0.8):
            name = f"stop-{months}-{int(100 * share)}"
            events += f"{name},{name},accident,0.1,It stops.\n"
            effects += f"{name},1,facility,{PLANT},false,0,{months},{share},1\n"
    effects += f"stop-8-0,2,facility,{PLANT},false,8,11,0.5,1\n"
    return events, effects


@pytest.mark.parametrize("target", ["facility", "lane"])
def test_depths_and_lengths_share_one_template(tmp_path: Path, target: str) -> None:
    events, effects = _grid()
    effects = effects.replace("facility", target)
    path = stock_run(tmp_path, 9.0, events=events, effects=effects)
    losses, known = own_losses(path)
    assert losses.to_dict() == pytest.approx(known["loss_months"].to_dict(), abs=1e-6)
    assert losses.nunique() > 6
    again = reopen(path)
    tables, instance = again.ready.case.tables, again.ready.instance
    window = Window(12.0, 2028)
    rows = tables["events"].assign(start_year=2028)
    strikes = strikes_of(rows, tables["event_effects"], instance, network_of(instance, tables), window)
    (group,) = groups_of(strikes, window)
    assert group.shares.shape == (12, 1, len(group.periods))


def test_what_touches_nothing_used_is_skipped_and_costs_nothing(tmp_path: Path) -> None:
    """`calm` hits nobody; `abroad` hits a country without plants."""
    events = "stop,Stop,accident,0.1,It stops.\ncalm,Calm,accident,0.1,Nothing.\nabroad,Abroad,accident,0.1,Far.\n"
    effects = f"stop,1,facility,{PLANT},false,0,4,0,1\nabroad,1,facility,*,MMM,{','.join('*' * 8)},false,0,9,0,1\n"
    path = stock_run(tmp_path, 2.0, events=events, effects=effects)
    again = reopen(path)
    tables, instance = again.ready.case.tables, again.ready.instance
    window = Window(12.0, 2028)
    rows = tables["events"].assign(start_year=2028)
    strikes = strikes_of(rows, tables["event_effects"], instance, network_of(instance, tables), window)
    found = put_to(strikes, instance, Plans.of(again.ready.program, again.plans), window)
    assert (found.groups, found.skipped, found.solves) == (1, 2, 1)
    assert found.losses[1].tolist() == pytest.approx([2.0, 0.0, 0.0], abs=1e-6)
    assert found.survive[1].tolist() == pytest.approx([2.0, 12.0, 12.0], abs=1e-5)
    assert found.recover[1].tolist() == [4.0, 0.0, 0.0]


def test_a_plan_that_lives_on_stock_is_always_asked(tmp_path: Path) -> None:
    """20 t are used up in 2028: repeated after the horizon, that year could not go on, so nothing may be skipped."""
    again = reopen(stock_run(tmp_path))
    use = use_of(again.ready.instance, Plans.of(again.ready.program, again.plans), 1)
    assert use.lasts_years == 0.0
    (strike,) = strikes_of(
        again.ready.case.tables["events"].assign(event="none", start_year=2028),
        again.ready.case.tables["event_effects"],
        again.ready.instance,
        network_of(again.ready.instance, again.ready.case.tables),
        Window(24.0, 2028),
    )
    assert not strike.shares
    assert use.is_hit(strike, Window(24.0, 2028))
    assert not use.is_hit(strike, Window(12.0, 2028))


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    events, effects = _grid()
    effects += f"stop-1-0,2,lane,{ANY},false,0,2,0.5,1\n"
    path = stock_run(tmp_path, 4.0, events=events, effects=effects)
    assert own_losses(path, 1)[0].to_dict() == own_losses(path, 2)[0].to_dict()
