"""The regime of a plan over time: which regimes are in force in which years, and their rules by year.

A case plans under one regime, or under several one after the other (``[[policy.schedule]]``): a truce that ends, a duty
that comes at a known date. A regime counts for a whole year, from 1 January of its first one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.chain.licences import Licence, Movement
from optimizer.chain.records import Row, Tables, rows_of
from optimizer.chain.trade import CountryGroups, TradeRules


@dataclass(frozen=True, slots=True)
class Phase:
    """Years of the horizon under one regime; ``regimes`` are that one and those it is based on."""

    first_year: int
    last_year: int
    regimes: tuple[str, ...]


def regimes_in_force(tables: Tables, named: str | None) -> tuple[str, ...]:
    """Give a regime and those it is based on, the most specific first; without a name, the default of the table."""
    rows = {row["regime"]: row for row in rows_of(tables, "regimes")}
    default = next((name for name, row in rows.items() if row.get("is_plan_default")), None)
    found: list[str] = []
    name = named or default
    while name is not None and name not in found:
        found.append(name)
        name = rows.get(name, {}).get("based_on")
    return tuple(found)


def phases_of(tables: Tables, policy: Any, first_year: int, last_year: int) -> tuple[Phase, ...]:
    """Give the phases of a horizon: the plan's regime, then those of the schedule from their years on."""
    changes = sorted((change.from_year, change.regime) for change in policy.schedule)
    before = [regime for year, regime in changes if year <= first_year]
    starts = [(first_year, before[-1] if before else policy.regime)]
    starts += [(year, regime) for year, regime in changes if first_year < year <= last_year]
    ends = [*(year - 1 for year, _ in starts[1:]), last_year]
    return tuple(
        Phase(year, end, regimes_in_force(tables, regime)) for (year, regime), end in zip(starts, ends, strict=True)
    )


def branch_probability(rows: Mapping[str, Row], name: str, in_force: Sequence[str], column: str) -> float:
    """Give the probability that the branches that lead from the plan's regimes to one are taken; 1 without branches.

    ``column`` is ``branch_share`` or its low or high value; where that is empty the share itself counts.
    """
    probability, seen = 1.0, set(in_force)
    at: str | None = name
    while at is not None and at not in seen:
        seen.add(at)
        row = rows.get(at, {})
        share = row.get(column) if row.get(column) is not None else row.get("branch_share")
        parent = row.get("branch_of")
        if parent is not None and share is not None:
            probability *= float(share)
        at = parent
    return probability


class PlanRules:
    """Trade rules of a plan by year; asked like ``TradeRules``."""

    def __init__(self, tables: Tables, phases: Sequence[Phase]) -> None:
        known: dict[tuple[str, ...], TradeRules] = {}
        self._phases = [(phase, known.setdefault(phase.regimes, TradeRules(tables, phase.regimes))) for phase in phases]
        self.groups: CountryGroups = self._phases[0][1].groups

    def at(self, year: int) -> TradeRules:
        """Give the rules in force in a year; those of the nearest phase outside the horizon."""
        found = self._phases[0][1]
        for phase, rules in self._phases:
            if phase.first_year <= year:
                found = rules
        return found

    def tariff_share(self, importer_iso3: str, exporter_iso3: str, form: str, year: int) -> float:
        """See ``TradeRules.tariff_share``."""
        return self.at(year).tariff_share(importer_iso3, exporter_iso3, form, year)

    def licence(self, asked: Movement) -> Licence | None:
        """See ``TradeRules.licence``."""
        return self.at(asked.year).licence(asked)

    @property
    def licences(self) -> dict[tuple[str, str], list[Licence]]:
        """(exporter, control group) → licences that hold in some year."""
        found: dict[tuple[str, str], list[Licence]] = {}
        for _, rules in self._phases:
            for key, rows in rules.licences.items():
                kept = found.setdefault(key, [])
                kept.extend(row for row in rows if row not in kept)
        return found
