"""Shocks drawn from the hazards: events and effects in the form of the hand-written tables, each with its story.

Draws are conditional on a shock starting: a hazard is chosen with a probability in proportion to its rate, then the
member it strikes, its duration and its depth. With n draws in a start year and total rate L, each draw stands for the
rate L/n, so the rates of the sampled shocks of a start year add up to L, on the same scale as hand-written rates.
Durations become whole months and depths steps of five points, so equal draws merge into one shock (``multiplicity``).

Policy states escalate: with the share the table gives, a hazard is followed at once by a harsher one, on the same
member where both strike members of the same kind. Otherwise it ends, as settled.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv

from optimizer.errors import DataProblem, Problem
from optimizer.shocks.hazards import SELECTORS, Hazard, Member, read_hazards, told, with_member

DEPTH_STEPS = 20
"""Depths are multiples of one twentieth."""

MOST_FOLLOW_UPS = 2
"""Hazards that may follow one another after the first."""

LONGEST_MONTHS = 24
"""Durations are cut here unless another length is asked for: the default window counts no loss after it."""


@dataclass(frozen=True)
class SampledShocks:
    """Shocks drawn, ready for expansion.

    Attributes:
        events: one row per distinct (event, start year): the columns of the events table, and ``hazard``,
            ``start_year``, ``multiplicity`` (draws merged), ``duration_months`` and ``depth_share`` (of the first
            hazard where others follow). ``rate_per_year`` is the rate the row stands for in its start year.
        effects: the columns of event_effects; an event has the same effects in every start year.
        count: draws made.
        rate_per_year: total rate of all hazards, 1/yr.
    """

    events: pd.DataFrame
    effects: pd.DataFrame
    count: int
    rate_per_year: float


@dataclass(frozen=True, slots=True)
class Part:
    """One hazard within a drawn event: whom it strikes, whole months, twentieths of depth."""

    hazard: int
    member: int
    months: int
    depth: int


Draw = tuple[Part, ...]


def sample_shocks(
    tables: Mapping[str, pd.DataFrame],
    *,
    years: Sequence[int],
    count: int,
    seed: int,
    longest_months: int = LONGEST_MONTHS,
    is_uncertain: bool = False,
) -> SampledShocks:
    """Draw shocks from the hazards of the tables.

    Args:
        tables: hazards, hazard_effects, facilities, countries, country_groups.
        years: start years; draws are spread evenly over them, the first ones taking what does not divide.
        count: draws.
        seed: the same seed gives the same shocks, whatever the order of rows.
        longest_months: durations are cut at this length.
        is_uncertain: draw one set of rates, median durations and mean depths from their posteriors first, and sample
            from that; repeated over seeds this shows what not knowing them does. Otherwise their uncertainty is part
            of every single draw.

    Raises:
        DataProblem: the tables hold no hazard (S008), or hazards contradict themselves (S005 to S007).
    """
    hazards = read_hazards(tables, min(years, default=None))
    rng = np.random.default_rng(seed)
    known = _posterior_draw(hazards, rng) if is_uncertain else _Known.of(hazards)
    totals = known.rate * np.array([len(hazard.members) for hazard in hazards])
    total = float(totals.sum())
    if total <= 0 or not years:
        allowed, remedy = "hazards with rates above 0", "fill the tables hazards and hazard_effects"
        raise DataProblem([Problem("S008", "hazards", found="none", allowed=allowed, remedy=remedy)])
    draws = _draws(hazards, known, totals / total, count, rng, longest_months)
    per_year = _spread(count, len(years))
    drawn: list[tuple[Draw, int, int, float]] = []
    first = 0
    for year, number in zip(years, per_year, strict=True):
        counted = Counter(draws[first : first + number])
        drawn += [(draw, year, times, total * times / number) for draw, times in counted.items()]
        first += number
    return _frames(hazards, drawn, count, total, longest_months)


@dataclass(frozen=True)
class _Known:
    """What is taken as known of every hazard, in their order."""

    rate: NDArray[np.float64]
    median: NDArray[np.float64]
    log_sd: NDArray[np.float64]
    depth: NDArray[np.float64]

    @staticmethod
    def of(hazards: Sequence[Hazard]) -> _Known:
        """Posterior means, and durations as spread as the doubt about their median makes them."""
        return _Known(
            np.array([hazard.rate_per_year for hazard in hazards]),
            np.array([hazard.median_months for hazard in hazards]),
            np.array([math.hypot(hazard.log_sd, hazard.median_log_error) for hazard in hazards]),
            np.array([hazard.depth_share for hazard in hazards]),
        )


def _posterior_draw(hazards: Sequence[Hazard], rng: np.random.Generator) -> _Known:
    """One draw of all rates, medians and mean depths."""
    size = len(hazards)
    shape = np.array([hazard.rate_shape for hazard in hazards])
    mean = np.array([hazard.rate_per_year for hazard in hazards])
    rate = rng.gamma(shape) * mean / shape
    errors = np.array([hazard.median_log_error for hazard in hazards])
    median = np.array([hazard.median_months for hazard in hazards]) * np.exp(errors * rng.standard_normal(size))
    odds = np.array([math.log(hazard.depth_share / max(1 - hazard.depth_share, 1e-9)) for hazard in hazards])
    odds += np.array([hazard.depth_logit_error for hazard in hazards]) * rng.standard_normal(size)
    return _Known(rate, median, np.array([hazard.log_sd for hazard in hazards]), 1 / (1 + np.exp(-odds)))


def _spread(count: int, parts: int) -> list[int]:
    return [count // parts + (position < count % parts) for position in range(parts)]


def _draws(
    hazards: Sequence[Hazard],
    known: _Known,
    share: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
    longest_months: int,
) -> list[Draw]:
    """Draw events, without their start years."""
    chosen = rng.choice(len(hazards), size=count, p=share)
    position = {hazard.hazard: number for number, hazard in enumerate(hazards)}
    members = np.array([len(hazard.members) for hazard in hazards])
    levels = [_one_level(hazards, known, chosen, members, rng, longest_months)]
    escalates = [rng.random(count)]
    follower = np.array([position.get(hazard.escalates_to or "", -1) for hazard in hazards])
    chance = np.array([hazard.escalation_share if f >= 0 else 0.0 for hazard, f in zip(hazards, follower, strict=True)])
    current = chosen
    for _ in range(MOST_FOLLOW_UPS):
        following = np.where(escalates[-1] < chance[current], follower[current], -1)
        filled = np.where(following >= 0, following, 0)
        levels.append(_one_level(hazards, known, filled, members, rng, longest_months))
        levels[-1][0][:] = following
        escalates.append(np.where(following >= 0, rng.random(count), 1.0))
        current = filled
    return [_joined(hazards, [tuple(column[i] for column in level) for level in levels]) for i in range(count)]


def _one_level(
    hazards: Sequence[Hazard],
    known: _Known,
    chosen: NDArray[np.int64],
    members: NDArray[np.int64],
    rng: np.random.Generator,
    longest_months: int,
) -> list[NDArray[np.int64]]:
    """Hazard, member, months and twentieths of depth of every draw.

    A stop shorter than a month is spread over one month, so that the volume lost stays the same.
    """
    count = len(chosen)
    member = (rng.random(count) * members[chosen]).astype(np.int64)
    months = known.median[chosen] * np.exp(known.log_sd[chosen] * rng.standard_normal(count))
    mean = np.clip(known.depth[chosen], 1e-3, 1 - 1e-3)
    concentration = np.array([hazard.depth_concentration for hazard in hazards])[chosen]
    depth = betaincinv(mean * concentration, (1 - mean) * concentration, rng.random(count))
    depth = np.rint(depth * np.minimum(months, 1) * DEPTH_STEPS)
    whole = np.clip(np.rint(months), 1, longest_months)
    return [chosen.copy(), member, whole.astype(np.int64), np.clip(depth, 1, DEPTH_STEPS).astype(np.int64)]


def _joined(hazards: Sequence[Hazard], levels: Sequence[tuple[np.int64, ...]]) -> Draw:
    """Parts of one event; a follow-up strikes the member already struck where it strikes such members at all."""
    parts: list[Part] = []
    for number, member, months, depth in levels:
        if number < 0:
            break
        part = Part(int(number), int(member), int(months), int(depth))
        if parts and hazards[part.hazard].kind == hazards[parts[-1].hazard].kind:
            before = hazards[parts[-1].hazard].members[parts[-1].member]
            same = [i for i, one in enumerate(hazards[part.hazard].members) if one.name == before.name]
            part = Part(part.hazard, same[0], part.months, part.depth) if same else part
        parts.append(part)
    return tuple(parts)


def _frames(
    hazards: Sequence[Hazard],
    drawn: Iterable[tuple[Draw, int, int, float]],
    count: int,
    total: float,
    longest_months: int,
) -> SampledShocks:
    events: list[dict[str, object]] = []
    effects: dict[str, list[dict[str, object]]] = {}
    told_of: dict[Draw, dict[str, object]] = {}
    for draw, year, times, rate in drawn:
        if draw not in told_of:
            told_of[draw] = _event(hazards, draw, longest_months)
            name = str(told_of[draw]["event"])
            effects[name] = _effects(hazards, draw, name, longest_months)
        first = hazards[draw[0].hazard]
        interval = {"low": rate * first.low / first.rate_per_year, "high": rate * first.high / first.rate_per_year}
        row = told_of[draw] | {"rate_per_year": rate, "start_year": year, "multiplicity": times} | interval
        events.append(row)
    events.sort(key=lambda row: (row["start_year"], row["event"]))
    rows = [row for name in sorted(effects) for row in effects[name]]
    return SampledShocks(_frame(events, EVENT_COLUMNS), _frame(rows, EFFECT_COLUMNS), count, total)


def _frame(rows: list[dict[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """A frame typed as the tables of a case are: text as objects, None where missing."""
    frame = pd.DataFrame(rows, columns=list(columns))
    texts = frame.select_dtypes(exclude=["number", "bool"]).columns
    return frame.astype(dict.fromkeys(texts, object))


EVENT_COLUMNS = (
    "event", "name", "cause", "rate_per_year", "low", "high", "story", "source_id", "confidence", "note",
    "hazard", "start_year", "multiplicity", "duration_months", "depth_share",
)  # fmt: skip
EFFECT_COLUMNS = (
    "event", "effect", "target", *SELECTORS, "is_project_only", "from_month", "to_month", "open_share",
    "price_multiple", "source_id", "confidence", "note",
)  # fmt: skip


def _event(hazards: Sequence[Hazard], draw: Draw, longest_months: int) -> dict[str, object]:
    """Name, story and draw of an event."""
    first = hazards[draw[0].hazard]
    stories = [_story(hazards[part.hazard], part, longest_months) for part in draw]
    return {
        "event": "+".join(_identifier(hazards[part.hazard], part) for part in draw),
        "name": " → ".join(_label(hazards[part.hazard], part) for part in draw),
        "cause": first.cause,
        "story": " Then it grows worse: ".join(stories),
        "source_id": first.source_id,
        "confidence": first.confidence,
        "note": f"Drawn from hazard {first.hazard}",
        "hazard": first.hazard,
        "duration_months": draw[0].months,
        "depth_share": draw[0].depth / DEPTH_STEPS,
    }


def _identifier(hazard: Hazard, part: Part) -> str:
    member = re.sub(r"[^a-z0-9]+", "-", hazard.members[part.member].name.lower()).strip("-")
    struck = f"{hazard.hazard}-{member}" if member else hazard.hazard
    return f"{struck}-{part.months}m-{part.depth * 100 // DEPTH_STEPS}pc"


def _label(hazard: Hazard, part: Part) -> str:
    struck = hazard.members[part.member]
    where = f"{hazard.name}: {struck.label}" if struck.label else hazard.name
    return f"{where}, {part.months} mo., -{part.depth * 100 // DEPTH_STEPS} %"


def _story(hazard: Hazard, part: Part, longest_months: int) -> str:
    unit = "month" if part.months == 1 else "months"
    at_least = f"{part.months} months or longer" if part.months >= longest_months else f"{part.months} {unit}"
    cut = part.depth * 100 // DEPTH_STEPS
    member: Member = hazard.members[part.member]
    words = {"where": member.label, "months": at_least, "depth": f"{cut} %", "open": f"{100 - cut} %"}
    return told(hazard.story, words)


def _effects(hazards: Sequence[Hazard], draw: Draw, event: str, longest_months: int) -> list[dict[str, object]]:
    """Rows of event_effects of one event: follow-ups begin when the hazard before them ends."""
    rows: list[dict[str, object]] = []
    offset = 0
    for part in draw:
        if offset >= longest_months:
            break
        hazard = hazards[part.hazard]
        for effect in hazard.effects:
            depth = part.depth / DEPTH_STEPS * effect.depth_factor
            start = offset + effect.delay_months
            months = min(part.months * effect.duration_factor, effect.most_months)
            end = start + max(1, round(months))
            ramp = end + round(part.months * effect.recovery_factor)
            selectors = dict.fromkeys(SELECTORS, "*") | with_member(effect.selectors, hazard.members[part.member])
            for begin, stop, cut in ((start, end, depth), (end, ramp, depth / 2)):
                if stop > begin and cut > 0:
                    rows.append(
                        {"event": event, "effect": len(rows) + 1, "target": effect.target}
                        | selectors
                        | {"is_project_only": effect.is_project_only, "from_month": begin, "to_month": stop}
                        | {"open_share": round(1 - min(cut, 1.0), 4)}
                        | {"price_multiple": round(1 + (hazard.price_multiple - 1) * min(cut, 1.0), 4)}
                        | {"source_id": hazard.source_id, "confidence": hazard.confidence, "note": None}
                    )
        offset += part.months
    return rows
