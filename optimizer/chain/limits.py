"""Limits of a case: share caps, numbers of suppliers, budgets and environmental caps over the facilities there are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from optimizer.chain.instance import Facility, Offer, Project, Qualification
from optimizer.chain.limit_kinds import Budget, BuildLimit, EnvironmentCap, ShareCap, SupplierCount
from optimizer.errors import Problem

Members = Callable[[str], frozenset[str]]


def _years_from(first: int | None, years: Sequence[int]) -> tuple[int, ...]:
    return tuple(t for t in years if first is None or t >= first)


def _subjects(rule: Any, at_stage: Sequence[Facility], members: Members) -> dict[str, frozenset[str]]:
    """Give label → facilities capped together; ``*`` gives one entry per country, operator or facility.

    Facilities in exempt countries are never capped: they only count in the whole.
    """
    exempt = frozenset().union(*(members(name) for name in rule.exempt_countries))
    at_stage = [f for f in at_stage if f.country_iso3 not in exempt]
    kind = next(name for name in ("country", "operator", "facility") if getattr(rule, name) is not None)
    named = getattr(rule, kind)
    own = {f.facility: {"country": f.country_iso3, "operator": f.operator, "facility": f.facility} for f in at_stage}
    if named == "*":
        labels = sorted({own[f.facility][kind] for f in at_stage})
        return {f"{rule.name}: {x}": frozenset(f for f, keys in own.items() if keys[kind] == x) for x in labels}
    wanted = members(named) if kind == "country" else frozenset({named})
    return {rule.name: frozenset(f for f, keys in own.items() if keys[kind] in wanted)}


def build_share_caps(
    rules: Iterable[Any], facilities: Mapping[str, Facility], members: Members, years: Sequence[int]
) -> tuple[ShareCap, ...]:
    """Turn share caps of a case into caps over facilities; those that name no facility of the stage bind nothing."""
    caps = []
    for rule in rules:
        at_stage = [f for f in facilities.values() if f.stage == rule.stage]
        for label, capped in _subjects(rule, at_stage, members).items():
            if capped:
                years_bound = _years_from(rule.from_year, years)
                penalty = rule.penalty_usd_per_kg
                caps.append(ShareCap(label, rule.stage, capped, rule.max_share, years_bound, penalty))
    return tuple(caps)


def first_contract_years(offers: Iterable[Offer], qualifications: Mapping[str, Qualification]) -> dict[str, int]:
    """Give, per facility, the first year in which a contract can be in force: running, or qualified and signed."""
    first: dict[str, int] = {}
    for offer in offers:
        earliest = [*(t for t, volume in offer.running_t.items() if volume > 0)]
        item = qualifications.get(offer.qualification or "")
        ready = None if item is None or item.is_held else min(item.years, default=None)
        if item is None or item.is_held or ready is not None:
            earliest += [t for t in offer.start_years if ready is None or t >= ready]
        for year in earliest:
            first[offer.facility] = min(year, first.get(offer.facility, year))
    return first


def build_supplier_counts(
    rules: Iterable[Any], facilities: Mapping[str, Facility], first_years: Mapping[str, int], years: Sequence[int]
) -> tuple[tuple[SupplierCount, ...], list[Problem]]:
    """Turn numbers of suppliers into limits by year.

    A least number binds only from the first year in which so many facilities of the stage can have a contract in force:
    qualification takes time, and a rule cannot ask for what nobody could have done. If that year never comes, it is a
    problem. Least and largest number become separate limits, as their years differ.
    """
    counts: list[SupplierCount] = []
    problems: list[Problem] = []
    for rule in rules:
        at_stage = frozenset(f.facility for f in facilities.values() if f.stage == rule.stage)
        asked = _years_from(rule.from_year, years)
        if rule.max is not None:
            counts.append(SupplierCount(rule.name, rule.stage, at_stage, None, rule.max, asked))
        if not rule.min:
            continue
        ready = sorted(first_years[f] for f in at_stage if f in first_years)
        if len(ready) < rule.min:
            allowed = f"at most {len(ready)}, the suppliers that can be under contract at {rule.stage}"
            remedy = "lower `min`, or give more plants of the stage an offer that can be signed and qualified in time"
            problems.append(Problem("C006", "case.toml", rule.name, "min", str(rule.min), allowed, remedy))
            continue
        bound = tuple(t for t in asked if t >= ready[rule.min - 1])
        counts.append(SupplierCount(rule.name, rule.stage, at_stage, rule.min, None, bound))
    return tuple(counts), problems


def build_budgets(rules: Iterable[Any], years: Sequence[int]) -> tuple[Budget, ...]:
    """Turn budgets into limits; no years named means all of the horizon, no terms means all terms."""
    return tuple(
        Budget(
            rule.name, tuple(rule.terms), tuple(t for t in years if not rule.years or t in rule.years), rule.max_musd
        )
        for rule in rules
    )


def build_environment_caps(
    rules: Iterable[Any],
    facilities: Mapping[str, Facility],
    indicators: Collection[str],
    members: Members,
    years: Sequence[int],
) -> tuple[tuple[EnvironmentCap, ...], list[Problem]]:
    """Turn environmental limits into caps over facilities; an indicator that no footprint has is a problem."""
    caps: list[EnvironmentCap] = []
    problems: list[Problem] = []
    for rule in rules:
        if rule.indicator not in indicators:
            allowed = ", ".join(sorted(indicators)) or "none in the footprints"
            remedy = "name one of these, or add rows of the indicator to the table `footprints`"
            problems.append(Problem("C007", "case.toml", rule.name, "indicator", rule.indicator, allowed, remedy))
        countries = frozenset().union(*(members(name) for name in rule.countries))
        capped = frozenset(
            f.facility
            for f in facilities.values()
            if (not rule.facilities or f.facility in rule.facilities)
            and (not rule.countries or f.country_iso3 in countries)
        )
        span = tuple(t for t in _years_from(rule.from_year, years) if rule.to_year is None or t <= rule.to_year)
        caps.append(EnvironmentCap(rule.name, rule.indicator, capped, span, rule.max_value, rule.per_kg))
    return tuple(caps), problems


def build_build_limits(
    rules: Iterable[Any], projects: Iterable[Project], facilities: Mapping[str, Facility], members: Members
) -> tuple[BuildLimit, ...]:
    """Turn limits on simultaneous construction into limits over the projects of the region."""
    projects = list(projects)
    found = []
    for rule in rules:
        region = frozenset().union(*(members(name) for name in rule.countries))
        named = frozenset(
            e.project for e in projects if not rule.countries or facilities[e.facility].country_iso3 in region
        )
        found.append(BuildLimit(rule.name, named, rule.max_projects))
    return tuple(found)
