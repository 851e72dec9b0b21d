"""Shocks of the toys made milder and shorter: the order told holds for every plan, and saves programs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from toy import NAMES, cheapest, ready

from optimizer.chain.instance import Instance, Shock
from optimizer.jobs.prepare import COST, LOSS
from optimizer.model.build import build_model, continuations, recourse_blocks, worse_blocks
from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.recourse import Recourse

SHOCKED = [name for name in NAMES if name != "cannot-be" and ready(name).instance.shocks]


def milder(shock: Shock, name: str, share: float, until: int) -> Shock:
    """The shock with only a part of what it cuts, and nothing of that after some periods."""

    def eased(shares, position):
        cut = {key: 1.0 - share * (1.0 - kept) if key[position] <= until else 1.0 for key, kept in shares.items()}
        return {key: kept for key, kept in cut.items() if kept < 1.0}

    return replace(
        shock, shock=name, facility_share=eased(shock.facility_share, 1), lane_share=eased(shock.lane_share, 1)
    )


def split(shock: Shock, name: str) -> Shock:
    """The shock with every period in two."""
    periods = []
    for period in shock.periods:
        half = period.months / 2
        periods.append(replace(period, period=2 * period.period - 1, months=half))
        periods.append(replace(period, period=2 * period.period, first_month=period.first_month + half, months=half))

    def twice(shares):
        return {(key[0], 2 * key[1] - n, *key[2:]): kept for key, kept in shares.items() for n in (1, 0)}

    return replace(
        shock,
        shock=name,
        periods=tuple(periods),
        facility_share=twice(shock.facility_share),
        lane_share=twice(shock.lane_share),
    )


def nested(instance: Instance) -> Instance:
    """Every shock beside a milder, a shorter, and equal ones, in an order that tells nothing."""
    shocks = {}
    for name, shock in instance.shocks.items():
        shocks[f"mild {name}"] = milder(shock, f"mild {name}", 0.5, 99)
        shocks[name] = shock
        shocks[f"short {name}"] = milder(shock, f"short {name}", 1.0, 1)
        shocks[f"mild and short {name}"] = milder(shock, f"mild and short {name}", 0.5, 1)
        shocks[f"same {name}"] = replace(shock, shock=f"same {name}")
        shocks[f"split {name}"] = split(shock, f"split {name}")
    return replace(instance, shocks=shocks)


@cache
def program(name: str) -> CompiledProgram:
    model = build_model(nested(ready(name).instance))
    objectives = {COST: model.cost, LOSS: model.loss_measure}
    return compile_model(model, objectives, recourse_blocks(model), continuations(model), worse_blocks(model))


def shock_of(block) -> str:
    return str(block.name).removeprefix("shock[").removesuffix("]")


@pytest.mark.parametrize("name", SHOCKED)
def test_worse_shocks_are_told(name: str) -> None:
    numbers = {shock_of(block): number for number, block in enumerate(program(name).blocks)}
    for shock, data in ready(name).instance.shocks.items():
        if not data.facility_share and not data.lane_share:
            continue
        worse = {kind: set(program(name).blocks[numbers[kind + shock]].worse) for kind in ("mild ", "", "same ")}
        assert numbers[shock] in worse["same "]
        assert numbers["same " + shock] not in worse[""]
        assert numbers["mild " + shock] not in worse[""]
        assert {numbers[kind + shock] for kind in ("", "same ", "split ")} <= worse["mild "]


@pytest.mark.parametrize("name", SHOCKED)
def test_a_worse_shock_never_loses_less_and_what_it_saves_changes_nothing(name: str) -> None:
    found = program(name)
    plain = replace(found, blocks=tuple(replace(block, continued=None, worse=()) for block in found.blocks))
    rng = np.random.default_rng(7)
    plan = cheapest(found).x
    with Recourse(plain) as alone, Recourse(found) as together:
        for trial in range(12):
            x = plan if not trial else plan * rng.uniform(0.0, 1.5, plan.size)
            losses = alone.evaluate(x).losses
            for number, block in enumerate(found.blocks):
                for other in block.worse:
                    assert losses[number] <= losses[other] + 1e-6 * (1.0 + losses[other]), (block.name, other)
            assert together.evaluate(x).losses == pytest.approx(losses, abs=1e-6)
            by_name = {shock_of(block): loss for block, loss in zip(found.blocks, losses, strict=True)}
            for shock in ready(name).instance.shocks:
                assert by_name[f"split {shock}"] == pytest.approx(by_name[shock], abs=1e-6)


def test_programs_are_saved() -> None:
    """Where nothing is lost the milder shocks are never loaded, and the toys have such plans."""
    saved = 0
    for name in SHOCKED:
        found = program(name)
        bare = replace(found, blocks=tuple(replace(block, continued=None) for block in found.blocks))
        with Recourse(bare) as recourse:
            losses = recourse.evaluate(cheapest(found).x).losses
            for number, block in enumerate(found.blocks):
                is_excused = any(losses[other] <= 0.0 for other in block.worse)
                assert (number in recourse.here.loaded) is not is_excused
                saved += is_excused
    assert saved > 20
