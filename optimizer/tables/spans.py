"""Cost spans along a path: an offer states the stages its price covers, and no stage may be paid for twice.

A path of the buyer's material starts at any offer and goes on over buyer links to toll offers that take
what arrives. The spans of two offers on one path must not share a stage. Two plants that stand at the very same
stage, one after the other (a second separation of what the first passes on), are two steps: there the
common boundary stage is no overlap. A link back to an earlier stage (recycling) starts a new path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.errors import Problem
from optimizer.tables.read import Row
from optimizer.tables.view import View, at

if TYPE_CHECKING:
    from optimizer.tables.check_network import RouteFlows


@dataclass(frozen=True)
class Span:
    """An offer on a path: stages by position, forms it takes (toll only) and leaves with the buyer."""

    offer: str
    row: Row
    facility: str
    is_toll: bool
    stage: int
    first: int
    last: int
    forms_in: frozenset[str]
    forms_out: frozenset[str]


def overlap_problems(view: View, flows: Mapping[str, RouteFlows]) -> Iterator[Problem]:
    """Yield every pair of offers on one path whose cost spans share a stage (T037)."""
    spans = _all_spans(view, flows)
    tolls: dict[str, list[Span]] = {}
    for span in spans:
        if span.is_toll:
            tolls.setdefault(span.facility, []).append(span)
    links: dict[str, list[tuple[str, str]]] = {}
    for row in view.rows("links"):
        if row["layer"] in ("buyer", "both"):
            links.setdefault(str(row["from_facility"]), []).append((str(row["to_facility"]), str(row["form"])))
    for start in spans:
        for end in _downstream(start, links, tolls):
            if _overlap(start, end):
                shared = view.stages[max(start.first, end.first) : min(start.last, end.last) + 1]
                allowed = f"stages after those of `{start.offer}` ({_stages(start, view)}), whose product it converts"
                remedy = "let the price cover only this plant's own stages, or end the other offer's span earlier"
                found = f"{_stages(end, view)}; paid twice: {', '.join(shared)}"
                yield at(end.row, "T037", "first_stage", allowed, remedy, found)


def _stages(span: Span, view: View) -> str:
    return f"{view.stages[span.first]} to {view.stages[span.last]}"


def _all_spans(view: View, flows: Mapping[str, RouteFlows]) -> list[Span]:
    order = {stage: number for number, stage in enumerate(view.stages)}
    stage_at = {str(row["facility"]): order.get(str(row["stage"])) for row in view.rows("facilities")}
    form = {str(row["product"]): str(row["form"]) for row in view.rows("products")}
    spans = []
    for row in view.rows("offers"):
        first, last = order.get(str(row["first_stage"])), order.get(str(row["last_stage"]))
        stage = stage_at.get(str(row["facility"]))
        if first is None or last is None or stage is None or first > last:
            continue
        is_toll = row["kind"] == "toll"
        flow = flows.get(str(row["route"])) if is_toll else None
        forms_in = frozenset(flow.forms_in) if flow else frozenset()
        forms_out = frozenset(flow.forms_out) if flow else frozenset({form.get(str(row["product"]), "")})
        name, facility = str(row["offer"]), str(row["facility"])
        spans.append(Span(name, row, facility, is_toll, stage, first, last, forms_in, forms_out))
    return spans


def _downstream(start: Span, links: Mapping[str, list[tuple[str, str]]], tolls: Mapping[str, list[Span]]) -> list[Span]:
    """Return the toll offers that material of ``start`` can reach without going back a stage, nearest first."""
    found: dict[str, Span] = {}
    waiting = [start]
    while waiting:
        span = waiting.pop(0)
        for facility, form in links.get(span.facility, ()):
            if form not in span.forms_out:
                continue
            for toll in tolls.get(facility, ()):
                is_new = toll.offer not in found and toll.offer != start.offer
                if is_new and form in toll.forms_in and toll.stage >= span.stage:
                    found[toll.offer] = toll
                    waiting.append(toll)
    return list(found.values())


def _overlap(start: Span, end: Span) -> bool:
    if start.last < end.first or end.last < start.first:
        return False
    is_second_step = start.stage == end.stage == start.last == end.first
    return not is_second_step
