"""Hazards: what may strike, how often, for how long and how hard, as the tables hazards and hazard_effects say it.

A hazard is a cause at a place. Its rate, duration and depth carry intervals, because they rest on few cases
(:mod:`optimizer.shocks.estimate` makes them from the record). A hazard may strike one *member* of a class at a time:
one operator, one plant, one country, one destination. Then its rate is that of one member, every member is equally
likely, and all effects of a draw fall on the same member: an operator's projects slip together.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from optimizer.chain.rows import ALL, Row, Tables, table_rows
from optimizer.chain.trade import CountryGroups
from optimizer.errors import DataProblem, Problem
from optimizer.shocks.effects import LANE_SELECTORS

Kind = Literal["", "facility", "operator", "country", "destination"]

SELECTORS = ("facility", "country", "operator", "stage", *LANE_SELECTORS)
"""Columns of an effect that select what it hits."""

PLACEHOLDERS = ("where", "months", "depth", "open")
"""Words in braces that a story may use: the member, the duration, the share cut, the share that keeps working."""

_BRACED = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Member:
    """One of those a hazard may strike: ``name`` as selectors write it, ``label`` as people read it."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class HazardEffect:
    """What a hazard does to one selection.

    Attributes:
        target: facility or lane.
        selectors: as in event_effects; a value in braces stands for the member drawn.
        is_project_only: whether only new plants are hit.
        depth_factor: share of the hazard's depth that falls on this selection; for neighbouring goods already times
            the hazard's spill-over.
        duration_factor: length of this effect as a multiple of the hazard's duration.
        delay_months: months after the start of the shock at which it begins.
        most_months: longest that it lasts, however long the hazard does (a closed strait is sailed around).
        recovery_factor: length of the recovery, at half the depth, as a multiple of the duration.
    """

    target: str
    selectors: Mapping[str, str]
    is_project_only: bool
    depth_factor: float
    duration_factor: float
    delay_months: int
    most_months: float
    recovery_factor: float


@dataclass(frozen=True, slots=True)
class Hazard:
    """One hazard with its estimates.

    Attributes:
        rate_per_year: posterior mean rate of one member, 1/yr; ``low`` and ``high`` bound 90 % of the posterior.
        rate_shape: shape of the gamma distribution with the posterior's mean and variance.
        median_months: median duration; its logarithm is known up to a normal error of ``median_log_error``.
        log_sd: standard deviation of the logarithm of a duration about that median.
        depth_share: mean depth; its logit is known up to a normal error of ``depth_logit_error``.
        depth_concentration: sum of the two parameters of the beta distribution of depths.
        escalates_to: hazard that may follow at once, with probability ``escalation_share``.
    """

    hazard: str
    name: str
    cause: str
    kind: Kind
    members: tuple[Member, ...]
    rate_per_year: float
    low: float
    high: float
    rate_shape: float
    median_months: float
    median_log_error: float
    log_sd: float
    depth_share: float
    depth_logit_error: float
    depth_concentration: float
    price_multiple: float
    escalates_to: str | None
    escalation_share: float
    story: str
    source_id: str
    confidence: str
    effects: tuple[HazardEffect, ...]


def read_hazards(tables: Tables, first_year: int | None = None) -> tuple[Hazard, ...]:
    """Hazards of the tables by name, whatever the order of rows; those with nobody to strike are left out.

    Args:
        tables: hazards, hazard_effects, facilities, countries, country_groups.
        first_year: first year of the horizon; effects on new plants alone make those their members that start then or
            later.

    Raises:
        DataProblem: unknown follow-ups (S005), unknown words in braces (S006), effects whose words in braces are
            not the member drawn, or with selectors that the target does not have (S007).
    """
    rows = sorted(table_rows(tables, "hazards"), key=lambda row: str(row["hazard"]))
    effects: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(table_rows(tables, "hazard_effects"), key=lambda row: int(row["effect"])):
        effects[str(row["hazard"])].append(row)
    problems = list(_problems(rows, effects))
    if problems:
        raise DataProblem(problems)
    found = [_hazard(row, effects[str(row["hazard"])], _members(row, effects, tables, first_year)) for row in rows]
    return tuple(hazard for hazard in found if hazard.members and hazard.effects)


def log_error(low: float, high: float) -> float:
    """Standard error of a logarithm from the 5 % and 95 % bounds of the value."""
    return math.log(high / low) / (2 * Z95) if low > 0 and high > low else 0.0


Z95 = 1.6448536269514722
"""95 % quantile of the standard normal distribution."""


def logit(share: float) -> float:
    """Logarithm of the odds of a share strictly between 0 and 1."""
    return math.log(share / (1 - share))


def _hazard(row: Mapping[str, Any], effects: Iterable[Row], members: tuple[Member, ...]) -> Hazard:
    spillover = _number(row, "spillover_share", 0.0)
    low, high = _inner(row["depth_low_share"]), _inner(row["depth_high_share"])
    return Hazard(
        hazard=str(row["hazard"]),
        name=str(row["name"]),
        cause=str(row["cause"]),
        kind=cast(Kind, str(row.get("drawn") or "")),
        members=members,
        rate_per_year=float(row["rate_per_year"]),
        low=float(row["low"]),
        high=float(row["high"]),
        rate_shape=float(row["rate_shape"]),
        median_months=float(row["median_months"]),
        median_log_error=log_error(float(row["median_low_months"]), float(row["median_high_months"])),
        log_sd=float(row["log_sd"]),
        depth_share=float(row["depth_share"]),
        depth_logit_error=(logit(high) - logit(low)) / (2 * Z95),
        depth_concentration=float(row["depth_concentration"]),
        price_multiple=_number(row, "price_multiple", 1.0),
        escalates_to=str(row["escalates_to"]) if row.get("escalates_to") else None,
        escalation_share=_number(row, "escalation_share", 0.0),
        story=str(row["story"]).strip(),
        source_id=str(row["source_id"]),
        confidence=str(row["confidence"]),
        effects=tuple(_effect(effect, spillover) for effect in effects),
    )


def _inner(value: Any) -> float:
    """A share moved off 0 and 1, where odds are not finite."""
    return min(max(float(value), 1e-3), 1 - 1e-3)


def _number(row: Mapping[str, Any], column: str, default: float) -> float:
    value = row.get(column)
    return default if value is None else float(value)


def _effect(row: Mapping[str, Any], spillover: float) -> HazardEffect:
    return HazardEffect(
        target=str(row["target"]),
        selectors={name: str(row[name]) for name in SELECTORS if row.get(name) not in (None, ALL)},
        is_project_only=_is_true(row.get("is_project_only")),
        depth_factor=_number(row, "depth_factor", 1.0) * (spillover if row.get("scope") == "neighbour" else 1.0),
        duration_factor=_number(row, "duration_factor", 1.0),
        delay_months=int(_number(row, "delay_months", 0)),
        most_months=_number(row, "max_months", math.inf),
        recovery_factor=_number(row, "recovery_factor", 0.0),
    )


def _members(
    row: Mapping[str, Any], effects: Mapping[str, list[Row]], tables: Tables, first_year: int | None
) -> tuple[Member, ...]:
    """Those a hazard may strike, in the order of their names; one without name if it strikes all its effects say."""
    kind = str(row.get("drawn") or "")
    if not kind:
        return (Member("", ""),)
    labels = {str(c["country_iso3"]): str(c["name"]) for c in table_rows(tables, "countries")}
    listed = [name.strip() for name in str(row.get("drawn_from") or "").split(";") if name.strip()]
    if listed:
        return tuple(Member(name, labels.get(name, name)) for name in sorted(listed))
    column = "country_iso3" if kind == "country" else kind
    groups, found = CountryGroups(tables), {}
    for plant in table_rows(tables, "facilities"):
        own = effects[str(row["hazard"])]
        if _has_start(plant) and any(_may_hit(effect, plant, groups, first_year) for effect in own):
            name = str(plant[column])
            found[name] = Member(name, str(plant["name"]) if kind == "facility" else labels.get(name, name))
    return tuple(found[name] for name in sorted(found))


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "1.0")


def _has_start(plant: Mapping[str, Any]) -> bool:
    """Whether a plant is a single one that runs or will run."""
    return not _is_true(plant.get("is_aggregate")) and plant.get("start_year") is not None


def _may_hit(effect: Row, plant: Mapping[str, Any], groups: CountryGroups, first_year: int | None) -> bool:
    """Whether a plant fits the selectors of an effect on facilities, those that name the member aside."""
    if effect["target"] != "facility":
        return False
    if _is_true(effect.get("is_project_only")) and first_year is not None and plant["start_year"] < first_year:
        return False
    wanted = {name: effect.get(name) for name in ("facility", "operator", "stage", "country")}
    open_ = {name for name, value in wanted.items() if value in (None, ALL) or _BRACED.fullmatch(str(value))}
    if any(name not in open_ and wanted[name] != plant[name] for name in ("facility", "operator", "stage")):
        return False
    return "country" in open_ or groups.covers(str(wanted["country"]), str(plant["country_iso3"]))


def _problems(rows: Iterable[Row], effects: Mapping[str, list[Row]]) -> Iterable[Problem]:
    rows = list(rows)
    names = {str(row["hazard"]) for row in rows}
    for row in rows:
        name = str(row["hazard"])
        follower = row.get("escalates_to")
        if follower and (follower not in names or follower == name):
            allowed, remedy = "another hazard of the table", "correct the name, or empty the cell"
            yield Problem("S005", "hazards", name, "escalates_to", str(follower), allowed, remedy)
        for word in _BRACED.findall(str(row["story"])):
            if word not in PLACEHOLDERS:
                allowed = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
                yield Problem("S006", "hazards", name, "story", f"{{{word}}}", allowed, "correct the word in braces")
        yield from _effect_problems(name, str(row.get("drawn") or ""), effects.get(name, []))


def _effect_problems(hazard: str, drawn: str, effects: list[Row]) -> Iterable[Problem]:
    for row in effects:
        place = f"{hazard}, effect {row['effect']}"
        for column in SELECTORS:
            value = row.get(column)
            word = _BRACED.fullmatch(str(value))
            if word and not (word[1] == drawn and column in (drawn, "country", "destination")):
                allowed = f"{{{drawn}}}" if drawn else "a name or *, as the hazard draws no member"
                remedy = "correct the word in braces, or `drawn` of the hazard"
                yield Problem("S007", "hazard_effects", place, column, str(value), allowed, remedy)
            if row["target"] == "facility" and column in LANE_SELECTORS and value not in (None, ALL):
                remedy = "move this selector to an effect on lanes"
                yield Problem("S007", "hazard_effects", place, column, str(value), f"{ALL} for target facility", remedy)


def with_member(selectors: Mapping[str, str], member: Member) -> dict[str, str]:
    """Selectors with the member drawn in the place of words in braces."""
    return {name: member.name if _BRACED.fullmatch(value) else value for name, value in selectors.items()}


def told(story: str, words: Mapping[str, str]) -> str:
    """A story with its words in braces filled in; nothing but these words is ever interpreted."""
    return _BRACED.sub(lambda word: words[word[1]], story)
