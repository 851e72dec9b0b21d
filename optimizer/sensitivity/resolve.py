"""What a plan is made of, and the plans that would be made if the figures were those of a draw."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.chain.instance import Instance
from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.master import Master
from optimizer.solve.question import Attained, Question
from optimizer.solve.recourse import Recourse

WHOLE = 0.5
"""A decision counts as taken above this."""
LEAST_T = 1e-3
"""An offer paid for less than this (t/yr) is none."""
ROOM = 1e-6
"""Relative room on the cap of loss, for rounding."""

Picks = dict[str, tuple[str, str, str, str]]
"""Pick → (kind, facility, stage, country): offers, their suppliers, qualifications, projects."""


def picks_of(instance: Instance, program: CompiledProgram, x: Floats) -> Picks:
    """What a plan signs and pays for, qualifies and sponsors, whatever the year."""
    found: Picks = {}
    used = _paid(instance, program, x)
    for place, (component, index) in enumerate(program.column_keys):
        if component not in ("is_signed", "is_qualified", "is_sponsored") or x[place] <= WHOLE:
            continue
        name = str(index[0])
        if component == "is_signed" and name not in used:
            continue
        if component == "is_signed":
            facility, kind = instance.offers[name].facility, "offer"
            found[f"supplier:{facility}"] = _about(instance, "supplier", facility)
        elif component == "is_qualified":
            facility, kind = instance.qualifications[name].facility, "qualification"
        else:
            facility, kind = instance.projects[name].facility, "project"
        found[f"{kind}:{name}"] = _about(instance, kind, facility)
    return found


def _paid(instance: Instance, program: CompiledProgram, x: Floats) -> set[str]:
    """Offers of which something is lifted or must be paid."""
    found = set()
    for place, (component, index) in enumerate(program.column_keys):
        if component in ("committed", "lifted_extra") and x[place] > LEAST_T:
            offer = instance.offers[str(index[0])]
            if component == "lifted_extra" or offer.take_or_pay_share > 0.0:
                found.add(offer.offer)
    return found


def _about(instance: Instance, kind: str, facility: str) -> tuple[str, str, str, str]:
    at = instance.facilities[facility]
    return kind, facility, at.stage, at.country_iso3


@dataclass(frozen=True)
class Resolved:
    """A plan made for a draw's prices at the loss of the plan in question.

    Attributes:
        draw: number of the draw.
        cost_musd: of the new plan, at the draw's prices.
        kept_cost_musd: of the plan in question, at the same prices.
        bound_musd: proven lower bound on the least cost.
        picks: of the new plan.
    """

    draw: int
    cost_musd: float
    kept_cost_musd: float
    bound_musd: float
    picks: Picks


def solved_again(
    instance: Instance,
    program: CompiledProgram,
    objectives: tuple[str, str],
    x: Floats,
    prices: Mapping[int, tuple[Floats, float]],
    known: Sequence[Floats],
    limits: tuple[float, float],
    workers: int = 1,
) -> list[Resolved]:
    """Solve the mixed-integer program again at each draw's prices, at most the loss of ``x``, until time is up.

    Args:
        instance: the program's.
        program: compiled.
        objectives: names of cost and loss.
        x: the plan in question.
        prices: draw → (cost per column, constant).
        known: plans to begin with: the cheapest of them within the loss is the first answer.
        limits: seconds for all draws together, and the relative gap at which a plan is good enough.
        workers: processes that evaluate shocks.

    Returns:
        Draws for which a plan was found in time, in order; losses are those of the base.
    """
    deadline = time.perf_counter() + limits[0]
    found: list[Resolved] = []
    with Recourse(program, workers) as recourse:
        cuts = tuple(recourse.evaluate(x).cuts) if program.blocks else ()
        for number, (draw, objective) in enumerate(prices.items()):
            left = deadline - time.perf_counter()
            if left <= 0:
                break
            changed = replace(program, objectives={**program.objectives, objectives[0]: objective})
            master = Master(changed, *objectives, recourse)
            master.add_cuts(cuts)
            best, kept, bound = _best(master, x, known, left / (len(prices) - number), limits[1])
            cuts = tuple(master.cuts)
            if best is not None:
                found.append(Resolved(draw, best.first, kept, bound, picks_of(instance, program, best.x)))
    return found


def _best(
    master: Master, x: Floats, known: Sequence[Floats], seconds: float, gap_share: float
) -> tuple[Attained | None, float, float]:
    """Cheapest plan found that loses no more than ``x``, the cost of ``x``, and the proven bound."""
    kept, months = master.values(x)
    cap = months + ROOM * (1.0 + abs(months))
    allowed = [plan for plan in known if master.values(plan)[1] <= cap]
    start = min(allowed, key=lambda plan: master.values(plan)[0], default=x)
    answer = master.answer(Question(max_second=cap), gap_share * abs(kept), seconds, start)
    return (answer.attained[0] if answer.attained else None), kept, answer.bound
