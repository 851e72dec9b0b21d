"""Which facilities a case may consider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optimizer.chain.classes import held_share
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.rows import ALL


def candidate_facilities(tables: Tables, candidates: Any, members: Callable[[str], frozenset[str]]) -> dict[str, Row]:
    """Give the rows of facilities that pass the candidate filter of a case, in file order.

    A facility passes if its status is listed, it is named where ``include_facilities`` names any, and neither it nor
    its country (groups count) is excluded, it is not held by excluded owners, and it fails none of the standards asked
    for. What does not pass takes its links, offers and projects with it.
    """
    excluded = frozenset().union(*(members(name) for name in candidates.exclude_countries))
    failed = [row for row in rows_of(tables, "standards") if row["standard"] in candidates.standards]
    owners = owners_of(tables) if candidates.exclude_owned_by else {}

    def is_fit(row: Row) -> bool:
        held = held_share(owners.get(row["facility"], {}), candidates.exclude_owned_by, members)
        is_owned = bool(candidates.exclude_owned_by) and held >= candidates.ownership_threshold_share
        return not is_owned and not any(_fails(row, rule, members) for rule in failed)

    return {
        row["facility"]: row
        for row in rows_of(tables, "facilities")
        if row["status"] in candidates.statuses
        and row["country_iso3"] not in excluded
        and row["facility"] not in candidates.exclude_facilities
        and (not candidates.include_facilities or row["facility"] in candidates.include_facilities)
        and is_fit(row)
    }


def _fails(row: Row, rule: Row, members: Callable[[str], frozenset[str]]) -> bool:
    """Say whether a row of ``standards`` names a facility as one that fails it."""
    return (
        rule["facility"] in (ALL, row["facility"])
        and rule["stage"] in (ALL, row["stage"])
        and (rule["country"] == ALL or row["country_iso3"] in members(rule["country"]))
    )


def owners_of(tables: Tables) -> dict[str, Mapping[str, float]]:
    """Give facility → country of owners → share they hold together, by the table ``owners``."""
    found: dict[str, dict[str, float]] = {}
    for row in rows_of(tables, "owners"):
        held = found.setdefault(row["facility"], {})
        held[row["country_iso3"]] = held.get(row["country_iso3"], 0.0) + number(row, "share")
    return dict(found)
