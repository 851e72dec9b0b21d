"""From events to shocks: every event in every start year, with the shares that keep working."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import pandas as pd

from optimizer.chain.instance import Facility, Lane, Market, Period, Product, Shock
from optimizer.chain.rows import Tables, table_rows
from optimizer.chain.trade import CountryGroups
from optimizer.errors import DataProblem, Problem
from optimizer.shocks.effects import EventEffect, Finder, Network, Touched, event_effects, wrong_selectors
from optimizer.shocks.periods import average_share, base_periods, calendar_year, merged_periods

NEW_FOR_YEARS = 3
"""Years from its start in which a facility counts as new."""


class ShockSettings(Protocol):
    """The shock part of a case."""

    @property
    def window_months(self) -> float:
        """Length of the window common to all shocks."""

    @property
    def start_years(self) -> Sequence[int]:
        """Years in which shocks start; empty: all years."""

    @property
    def events(self) -> Sequence[str]:
        """Events in the plan; empty: all events of the table."""


class CaseSettings(Protocol):
    """What expansion reads from a case's settings."""

    @property
    def shocks(self) -> ShockSettings:
        """The shock part."""


class ShockCase(Protocol):
    """What expansion reads from a case."""

    @property
    def tables(self) -> Tables:
        """Tables events, event_effects, country_groups."""

    @property
    def settings(self) -> CaseSettings:
        """Settings of the case."""


def expand_shocks(  # noqa: D417
    case: ShockCase,
    facilities: Mapping[str, Facility],
    lanes: Mapping[str, Lane],
    origin_rules: Sequence[str],
    years: Sequence[int],
    products: Mapping[str, Product],
    markets: Mapping[str, Market],
) -> dict[str, Shock]:
    """Shocks of a case by id ``event@year``, by start year and then in the order of the events table.

    A shock's probability is its rate over the sum of the rates of all shocks of the same start year. An event with
    rate zero is as good as absent, whatever the measure. Shocks that touch nothing are kept: they count in that sum.
    Shares are listed only below 1.

    Args:
        case: tables and settings.
        years: years of the horizon, ascending.

    Raises:
        DataProblem: unknown events or start years in the settings; selectors that do not fit the target.
    """
    settings = case.settings.shocks
    events = _chosen_events(case.tables, settings.events)
    start_years = tuple(settings.start_years) or tuple(years)
    effects = event_effects(case.tables)
    _raise_problems(_wrong_years(start_years, years), wrong_selectors(effects))
    network = Network(facilities, lanes, origin_rules, products, markets, CountryGroups(case.tables))
    finder = Finder(network)
    touched = {name: finder.touched(effects.get(name, ())) for name in events}
    span = years[0], years[-1], float(settings.window_months)
    return with_probabilities(
        _shock(row, touched[name], start_year, span, network)
        for start_year in start_years
        for name, row in events.items()
        if _may_start(row, start_year)
    )


def expand_drawn(
    events: pd.DataFrame, effects: pd.DataFrame, network: Network, years: Sequence[int], window_months: float
) -> dict[str, Shock]:
    """Shocks of drawn events by id ``event@year``, each only in its own start year, in the order of the rows.

    Args:
        events: columns of the events table and ``start_year``; one row per event and start year.
        effects: columns of event_effects.
        network: what shocks can hit.
        years: years of the horizon, ascending.
        window_months: length of the window common to all shocks.

    Raises:
        DataProblem: start years outside the horizon (S002); selectors that do not fit the target (S003).
    """
    rows = table_rows({"events": events}, "events")
    known = event_effects({"event_effects": effects})
    started = sorted({int(row["start_year"]) for row in rows})
    _raise_problems(_wrong_years(started, years), wrong_selectors(known))
    finder, span = Finder(network), (years[0], years[-1], float(window_months))
    touched: dict[str, Touched] = {}
    shocks = []
    for row in rows:
        name = str(row["event"])
        if name not in touched:
            touched[name] = finder.touched(known.get(name, ()))
        shocks.append(_shock(row, touched[name], int(row["start_year"]), span, network))
    return with_probabilities(shocks)


def with_probabilities(shocks: Iterable[Shock]) -> dict[str, Shock]:
    """Shocks by id, each with its rate over the sum of the rates of its start year; without those of rate zero."""
    found = [shock for shock in shocks if shock.rate_per_year > 0]
    totals: dict[int, float] = defaultdict(float)
    for shock in found:
        totals[shock.start_year] += shock.rate_per_year
    return {shock.shock: replace(shock, probability=shock.rate_per_year / totals[shock.start_year]) for shock in found}


def _chosen_events(tables: Tables, chosen: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Rows of the chosen events (all, if none is named) that can happen, in the order of the table."""
    events: dict[str, Mapping[str, Any]] = {str(row["event"]): row for row in table_rows(tables, "events")}
    problems = [
        Problem(
            code="S001",
            file="case.toml",
            column="shocks.events",
            found=name,
            allowed="an event of the table events",
            remedy="correct the name, or add the event",
        )
        for name in chosen
        if name not in events
    ]
    _raise_problems(problems)
    return {name: row for name, row in events.items() if (not chosen or name in chosen) and row["rate_per_year"] > 0}


def _wrong_years(start_years: Iterable[int], years: Sequence[int]) -> list[Problem]:
    return [
        Problem(
            code="S002",
            file="case.toml",
            column="shocks.start_years",
            found=str(year),
            allowed=f"a year of the horizon, {years[0]} to {years[-1]}",
            remedy="leave the year out, or extend the horizon",
        )
        for year in start_years
        if year not in years
    ]


def _raise_problems(*groups: Iterable[Problem]) -> None:
    problems = [problem for group in groups for problem in group]
    if problems:
        raise DataProblem(problems)


def _may_start(event: Mapping[str, Any], year: int) -> bool:
    """Whether an event can start in a year: a change of regime only starts under the regime it departs from."""
    first, last = event.get("first_start_year"), event.get("last_start_year")
    return (first is None or year >= int(first)) and (last is None or year <= int(last))


def _is_new(facility: Facility, first_year: int, year: int) -> bool:
    """Whether a facility counts as new in a calendar year."""
    if facility.start_year is None:
        return True
    return facility.start_year >= first_year and facility.start_year <= year < facility.start_year + NEW_FOR_YEARS


def _shares(
    key: tuple[str, int],
    effects: Iterable[EventEffect],
    periods: Sequence[Period],
    years: tuple[int, int],
    network: Network,
) -> tuple[float, ...]:
    """Share of one facility or lane that keeps working, per period; ``years`` are start year and first year."""
    start_year, first_year = years
    shares: list[float] = []
    for period in periods:
        year = calendar_year(start_year, period.first_month)
        acting = [
            (effect.from_month, effect.to_month, effect.open_share)
            for effect in effects
            if not effect.is_project_only or _is_new(network.facilities[key[0]], first_year, year)
        ]
        shares.append(average_share(period, acting))
    return tuple(shares)


def all_shares(
    touched: Touched, periods: Sequence[Period], years: tuple[int, int], network: Network
) -> dict[tuple[str, int], tuple[float, ...]]:
    """Shares per period of everything an event cuts; computed once for all that the same effects hit.

    Args:
        touched: what the event's effects hit.
        periods: periods the shares are averaged over.
        years: start year of the shock, and first year of the horizon.
        network: what shocks can hit.

    Returns:
        (facility or lane, origin bit or 0) → share that keeps working per period, only what is below 1 somewhere.
    """
    known: dict[tuple[int, ...], tuple[float, ...]] = {}
    shares: dict[tuple[str, int], tuple[float, ...]] = {}
    for key, effects in touched.items():
        same = tuple(effect.effect for effect in effects)
        if any(effect.is_project_only for effect in effects):
            shares[key] = _shares(key, effects, periods, years, network)
            continue
        if same not in known:
            known[same] = _shares(key, effects, periods, years, network)
        shares[key] = known[same]
    return {key: found for key, found in shares.items() if min(found) < 1}


def _shock(
    event: Mapping[str, Any], touched: Touched, start_year: int, span: tuple[int, int, float], network: Network
) -> Shock:
    """One event in one start year, without its probability; ``span`` is first year, last year, window in months."""
    first_year, last_year, window_months = span
    base = base_periods(start_year, window_months, last_year)
    hit = all_shares(touched, base, (start_year, first_year), network)
    periods, sources = merged_periods(base, start_year, hit.values())
    numbered = [(period.period, source) for period, source in zip(periods, sources, strict=True)]
    on_facilities: dict[tuple[str, int], float] = {}
    on_lanes: dict[tuple[str, int, int], float] = {}
    for (place, bit), found in hit.items():
        is_facility = place in network.facilities
        for number, source in numbered:
            if found[source] < 1:
                if is_facility:
                    on_facilities[place, number] = found[source]
                else:
                    on_lanes[place, number, bit] = found[source]
    acting = {id(touched[key]): touched[key] for key in hit}.values()
    name = str(event["event"])
    return Shock(
        shock=f"{name}@{start_year}",
        event=name,
        name=str(event["name"]),
        start_year=start_year,
        rate_per_year=float(event["rate_per_year"]),
        probability=0.0,
        window_months=window_months,
        periods=periods,
        facility_share=on_facilities,
        lane_share=on_lanes,
        price_multiple=max((effect.price_multiple for effects in acting for effect in effects), default=1.0),
        story=f"{str(event['story']).strip()} It starts in January {start_year}.",
    )
