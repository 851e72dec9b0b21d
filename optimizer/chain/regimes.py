"""Regimes of states: which one holds in a plan, and what a change to another one closes, as an event.

A regime is a named set of rows of ``licences`` and ``tariffs``; one that is based on another keeps its rows except on
the exporters and control groups it speaks about itself. A case plans under one regime. A regime that a shock may bring
becomes an event: for every exporter, control group, destination and end use the share that is still licensed, over the
share licensed in the plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from optimizer.chain.licences import Licence, Movement
from optimizer.chain.phases import Phase, branch_probability, phases_of, regimes_in_force
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.rows import ALL
from optimizer.chain.trade import TradeRules

EVENT_PREFIX = "regime-"
"""Name of the event that a regime brings: this and the name of the regime."""

START_YEARS = ("first_start_year", "last_start_year")
"""Columns of events that only start in some years: those of one phase of the plan."""

_NO_SELECTORS = ("source_id", "confidence", "note")

Ends = tuple[str, str]
"""(destination country, segment)."""


def with_regime_shocks(case: Any) -> Any:
    """Give the case with one event, and its effects, for every regime that a shock may bring.

    A case that chooses its events gets these besides; without such regimes it is returned as it is. Where the plan's
    regime changes over time there is one event for every phase, in whose years alone it starts: none for the phase in
    which the plan is already under that regime.
    """
    policy = case.settings.policy
    if not policy.shock_regimes:
        return case
    horizon = case.settings.horizon
    phases = phases_of(case.tables, policy, horizon.first_year, horizon.last_year)
    rows = {row["regime"]: row for row in rows_of(case.tables, "regimes")}
    events: list[Row] = []
    effects: list[Row] = []
    for name in policy.shock_regimes:
        for phase in phases:
            if len(phases) == 1 or name not in phase.regimes:
                event = _event(rows, name, phase, phase is phases[0])
                events.append(event | (_starts(phase) if len(phases) > 1 else {}))
                effects.extend(_effects(case, rows[name], phase, event["event"]))
    tables = {**case.tables, "events": _added(case.tables, "events", events)}
    tables["event_effects"] = _added(case.tables, "event_effects", effects)
    shocks = case.settings.shocks
    chosen = (*shocks.events, *(event["event"] for event in events)) if shocks.events else ()
    settings = case.settings.model_copy(update={"shocks": shocks.model_copy(update={"events": chosen})})
    return replace(case, tables=tables, settings=settings)


def _added(tables: Tables, name: str, rows: list[Row]) -> pd.DataFrame:
    """Give a table with further rows; selectors that a row does not name stand for all."""
    frame = tables[name]
    columns = [str(column) for column in frame]
    columns += [column for column in START_YEARS if any(column in row for row in rows) and column not in columns]
    texts = {str(column) for column in frame if frame[column].dtype == object and column not in _NO_SELECTORS}
    whole = [{column: row.get(column, ALL if column in texts else None) for column in columns} for row in rows]
    more = pd.DataFrame(whole, columns=columns)
    return pd.concat([frame.astype(object), more.astype(object)], ignore_index=True)


def _starts(phase: Phase) -> Row:
    return dict(zip(START_YEARS, (phase.first_year, phase.last_year), strict=True))


def _event(rows: Mapping[str, Row], name: str, phase: Phase, is_first: bool) -> Row:
    """Give the event of a regime: its hazard times the probability of the branches that lead to it."""
    row = rows[name]

    def rate(column: str, branch: str) -> float | None:
        hazard = row.get(column)
        return None if hazard is None else float(hazard) * branch_probability(rows, name, phase.regimes, branch)

    return {
        "event": EVENT_PREFIX + name + ("" if is_first else f"-from-{phase.first_year}"),
        "name": row["name"],
        "cause": "regime",
        "rate_per_year": rate("rate_per_year", "branch_share") or 0.0,
        "low": rate("rate_low", "branch_share"),
        "high": rate("rate_high", "branch_share"),
        "story": row.get("story") or row["name"],
        **{column: row.get(column) for column in ("source_id", "confidence", "note")},
    }


@dataclass(frozen=True)
class _Change:
    """From the plan's regime to another: both as trade rules, at the first year of the plan's phase."""

    before: TradeRules
    after: TradeRules
    year: int

    def cut(self, exporter: str, group: str, ends: Ends) -> float | None:
        """Share of the licensed volume that is left, at most 1; None where nothing was licensed before."""
        asked = Movement(exporter, group, *ends, self.year)
        was, now = self.before.approval_share(asked), self.after.approval_share(asked)
        return min(1.0, now / was) if was > 0 else None

    def content_cut(self, exporter: str, group: str, ends: Ends) -> float:
        """Share of foreign goods with the exporter's content that is licensed; 1 where the rule stays at home."""
        row = self.licence(exporter, group, ends)
        return row.approval_share if row is not None and row.is_extraterritorial else 1.0

    def licence(self, exporter: str, group: str, ends: Ends) -> Licence | None:
        """Row of the new regime that governs."""
        return self.after.licence(Movement(exporter, group, *ends, self.year))


def _effects(case: Any, row: Row, phase: Phase, event: str) -> list[Row]:
    """Give the rows of ``event_effects`` of a change to the regime of ``row`` from that of a phase of the plan."""
    tables = case.tables
    after = TradeRules(tables, regimes_in_force(tables, row["regime"]))
    change = _Change(TradeRules(tables, phase.regimes), after, phase.first_year)
    found = [*_licence_cuts(case, change), *_content_cuts(case, change)]
    common = {
        "event": event,
        "target": "lane",
        "is_project_only": False,
        "from_month": 0.0,
        "to_month": number(row, "shock_months", 12.0),
        "price_multiple": number(row, "price_multiple", 1.0),
        **{column: row.get(column) for column in ("source_id", "confidence", "note")},
    }
    return [{**common, "effect": i, **cut} for i, cut in enumerate(found, start=1)]


def _destinations(case: Any) -> dict[str, tuple[str, ...]]:
    """Give country → segments of the markets there, of all countries where goods may go."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows_of(case.tables, "facilities"):
        found[row["country_iso3"]].update(())
    for row in rows_of(case.tables, "markets"):
        found[row["country_iso3"]].add(row["segment"])
    return {country: tuple(sorted(segments)) for country, segments in sorted(found.items())}


def _licence_cuts(case: Any, change: _Change) -> Iterator[Row]:
    """Cut exports of every control group by what is still licensed; hold up neighbouring goods by the spill-over."""
    products = {row["control_group"] for row in rows_of(case.tables, "products") if row.get("control_group")}
    places = _destinations(case)
    exporters = sorted({exporter for exporter, _ in (*change.before.licences, *change.after.licences)})
    for exporter in exporters:
        cuts = {group: _cuts_of(change.cut, exporter, group, places) for group in sorted(products)}
        spill = _spill_over(change, exporter, cuts)
        for group, by_ends in cuts.items():
            whole = {
                ends: 1.0 - spill.get(ends[0], 0.0) if share == 1 and ends[1] == ALL else share
                for ends, share in by_ends.items()
            }
            for ends, share in _compact(whole).items():
                yield _cut(ends, share, country=exporter, control_group=group)


def _cuts_of(
    cut: Callable[[str, str, Ends], float | None], exporter: str, group: str, places: Mapping[str, tuple[str, ...]]
) -> dict[Ends, float]:
    """Give (destination, segment or all) → share left, where there is anything to cut.

    The row for all takes the lightest cut of that country, since of several cuts the deepest counts.
    """
    found: dict[Ends, float] = {}
    for country, segments in places.items():
        if country == exporter:
            continue
        asked = {name: cut(exporter, group, (country, name)) for name in (ALL, *segments)}
        shares = {name: share for name, share in asked.items() if share is not None}
        if shares:
            general = max(shares.values())
            found[country, ALL] = general
            found.update({(country, name): share for name, share in shares.items() if share < general})
    return found


def _spill_over(change: _Change, exporter: str, cuts: Mapping[str, Mapping[Ends, float]]) -> dict[str, float]:
    """Give destination → part of the goods not named that is held up with those that are."""
    found: dict[str, float] = {}
    for group, by_ends in cuts.items():
        for ends, share in by_ends.items():
            row = change.licence(exporter, group, ends)
            if share < 1 and row is not None:
                found[ends[0]] = max(found.get(ends[0], 0.0), row.spill_over_share)
    return found


def _compact(by_ends: Mapping[Ends, float]) -> dict[Ends, float]:
    """Say the lightest cut once, for all destinations, and only deeper ones of their own; leave out what is not cut."""
    lightest = max((share for (_, segment), share in by_ends.items() if segment == ALL), default=1.0)
    deeper = {ends: share for ends, share in by_ends.items() if share < lightest}
    return deeper if lightest >= 1 else {(ALL, ALL): lightest, **deeper}


def _content_cuts(case: Any, change: _Change) -> Iterator[Row]:
    """Cut foreign goods marked by the case's origin rules to what a rule that reaches abroad licenses of them."""
    groups, places = change.after.groups, _destinations(case)
    for (exporter, group), rows in sorted(change.after.licences.items()):
        if not any(row.is_extraterritorial for row in rows):
            continue
        marking = [
            rule.rule
            for rule in case.settings.origin_rules
            if any(groups.covers(name, exporter) for name in rule.countries)
        ]
        for ends, share in _compact(_cuts_of(change.content_cut, exporter, group, places)).items():
            for rule in marking:
                for country in sorted(set(places) - {exporter}):
                    yield _cut(ends, share, country=country, control_group=group, origin_rule=rule)


def _cut(ends: Ends, share: float, **selectors: str) -> Row:
    return {"destination": ends[0], "segment": ends[1], "open_share": share, **selectors}
