"""Which facilities a case may consider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optimizer.chain.records import Row, Tables, rows_of


def candidate_facilities(tables: Tables, candidates: Any, members: Callable[[str], frozenset[str]]) -> dict[str, Row]:
    """Give the rows of facilities that pass the candidate filter of a case, in file order.

    A facility passes if its status is listed, it is named where ``include_facilities`` names any, and neither it nor
    its country (groups count) is excluded. What does not pass takes its links, offers and projects with it.
    """
    excluded = frozenset().union(*(members(name) for name in candidates.exclude_countries))
    return {
        row["facility"]: row
        for row in rows_of(tables, "facilities")
        if row["status"] in candidates.statuses
        and row["country_iso3"] not in excluded
        and row["facility"] not in candidates.exclude_facilities
        and (not candidates.include_facilities or row["facility"] in candidates.include_facilities)
    }
