"""Names and years in ``case.toml`` against the tables and the horizon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from optimizer.errors import Problem
from optimizer.tables.check_references import ALL
from optimizer.tables.view import View, listed, remedy_for, show


def settings_problems(view: View) -> Iterator[Problem]:
    """Yield names in the settings that no table has (T025, T027, T035) and years outside the horizon (T029)."""
    yield from _stage_list(view)
    yield from _candidates(view)
    yield from _rules(view)
    yield from _policy(view)
    yield from _limits(view)
    yield from _years(view)
    yield from _named(view, "freight.avoid_passages", view.settings.freight.avoid_passages, "passages", "passage")
    yield from _named(view, "shocks.events", view.settings.shocks.events, "events", "event")


def _problem(view: View, code: str, key: str, found: str | int, allowed: str, remedy: str) -> Problem:
    return Problem(code, view.settings_file, "", key, show(found), allowed, remedy)


def _named(view: View, key: str, names: Iterable[str], table: str, column: str) -> Iterator[Problem]:
    """Yield the names that column ``column`` of ``table`` does not hold."""
    if not view.is_judgeable(table):
        return
    known = view.names(table, column)
    for name in names:
        if name not in known:
            remedy = remedy_for(name, known, f"write a {column} of {table}.csv")
            yield _problem(view, "T025", key, name, f"one of {table}: {listed(known)}", remedy)


def _in_countries(view: View, key: str, names: Iterable[str]) -> Iterator[Problem]:
    if not view.is_judgeable("countries", "country_groups"):
        return
    known = view.countries_and_groups
    for name in names:
        if name not in known:
            remedy = remedy_for(name, known, "write a country's code or a group of country_groups.csv")
            yield _problem(view, "T027", key, name, "a country or a group of countries", remedy)


def _in_stages(view: View, key: str, names: Iterable[str]) -> Iterator[Problem]:
    if not view.is_judgeable("routes"):
        return
    for name in names:
        if name not in view.stages:
            remedy = remedy_for(name, view.stages, "write one of the stages")
            yield _problem(view, "T035", key, name, ", ".join(view.stages) or "(no stage is known)", remedy)


def _stage_list(view: View) -> Iterator[Problem]:
    stages = view.settings.stages
    for name in sorted({name for name in stages if stages.count(name) > 1}):
        yield _problem(view, "T024", "stages", name, "each stage once", "delete the second entry")


def _candidates(view: View) -> Iterator[Problem]:
    candidates = view.settings.candidates
    yield from _in_countries(view, "candidates.exclude_countries", candidates.exclude_countries)
    for key in ("exclude_facilities", "include_facilities"):
        yield from _named(view, f"candidates.{key}", getattr(candidates, key), "facilities", "facility")
    yield from _named(view, "candidates.standards", candidates.standards, "standards", "standard")
    yield from _in_countries(view, "candidates.exclude_owned_by", candidates.exclude_owned_by)


def _policy(view: View) -> Iterator[Problem]:
    policy, environment = view.settings.policy, view.settings.environment
    yield from _named(view, "policy.regime", [policy.regime] if policy.regime else [], "regimes", "regime")
    seen: set[int] = set()
    for number, change in enumerate(policy.schedule, start=1):
        key = f"policy.schedule[{number}]"
        yield from _named(view, f"{key}.regime", [change.regime], "regimes", "regime")
        if change.from_year in seen:
            yield _problem(view, "T024", f"{key}.from_year", change.from_year, "each year once", "delete one of them")
        seen.add(change.from_year)
    yield from _named(view, "policy.shock_regimes", policy.shock_regimes, "regimes", "regime")
    yield from _named(view, "policy.subsidies", policy.subsidies, "subsidy_terms", "programme")
    yield from _named(view, "environment.rules", environment.rules, "activity_rules", "rule")


def _rules(view: View) -> Iterator[Problem]:
    rules = [rule.rule for rule in view.settings.origin_rules]
    for number, rule in enumerate(view.settings.origin_rules, start=1):
        yield from _in_countries(view, f"origin_rules[{number}].countries", rule.countries)
        yield from _in_stages(view, f"origin_rules[{number}].stages", rule.stages)
        yield from _in_stages(view, f"origin_rules[{number}].cleared_stages", rule.cleared_stages)
        yield from _in_countries(view, f"origin_rules[{number}].cleared_countries", rule.cleared_countries)
        if rules.index(rule.rule) < number - 1:
            yield _problem(view, "T024", f"origin_rules[{number}].rule", rule.rule, "each rule once", "rename the rule")
    for number, ban in enumerate(view.settings.market_rules, start=1):
        markets = [] if ban.market == ALL else [ban.market]
        yield from _named(view, f"market_rules[{number}].market", markets, "markets", "market")
        for name in ban.forbids:
            if name not in rules:
                remedy = remedy_for(name, rules, "add the rule under [[origin_rules]]")
                yield _problem(view, "T025", f"market_rules[{number}].forbids", name, listed(rules), remedy)


def _limits(view: View) -> Iterator[Problem]:
    limits = view.settings.limits
    for number, cap in enumerate(limits.share_cap, start=1):
        key = f"limits.share_cap[{number}]"
        yield from _in_stages(view, f"{key}.stage", [cap.stage])
        yield from _in_countries(view, f"{key}.country", _given(cap.country))
        yield from _in_countries(view, f"{key}.exempt_countries", cap.exempt_countries)
        yield from _named(view, f"{key}.operator", _given(cap.operator), "facilities", "operator")
        yield from _named(view, f"{key}.facility", _given(cap.facility), "facilities", "facility")
    for number, build in enumerate(limits.builds, start=1):
        yield from _in_countries(view, f"limits.builds[{number}].countries", build.countries)
    for number, count in enumerate(limits.supplier_count, start=1):
        yield from _in_stages(view, f"limits.supplier_count[{number}].stage", [count.stage])
    for number, cap_on in enumerate(limits.environment, start=1):
        key = f"limits.environment[{number}]"
        yield from _named(view, f"{key}.indicator", [cap_on.indicator], "footprints", "indicator")
        yield from _named(view, f"{key}.facilities", cap_on.facilities, "facilities", "facility")
        yield from _in_countries(view, f"{key}.countries", cap_on.countries)


def _given(name: str | None) -> list[str]:
    return [] if name in (None, ALL) else [str(name)]


def _years(view: View) -> Iterator[Problem]:
    settings = view.settings
    years = settings.horizon.years
    lists: dict[str, Iterable[int]] = {
        "contracts.start_years": settings.contracts.start_years,
        "contracts.qualification_years": settings.contracts.qualification_years,
        "shocks.start_years": settings.shocks.start_years,
        "measure.year_weights": settings.measure.year_weights,
    }
    for number, change in enumerate(settings.policy.schedule, start=1):
        lists[f"policy.schedule[{number}].from_year"] = [change.from_year]
    for number, budget in enumerate(settings.limits.budget, start=1):
        lists[f"limits.budget[{number}].years"] = budget.years
    for key, given in lists.items():
        for year in given:
            if year not in years:
                allowed = f"{years[0]} to {years[-1]}"
                yield _problem(view, "T029", key, year, allowed, "correct the year, or widen the horizon")
