"""Figures that are assumed or wide: what they are, how far they reach, and which rows move together.

A figure has a level: 0 is the base, -1 its low, 1 its high. Rows with a range of their own keep it; a figure without
one gets the span of its kind in ``spans.csv``, which is assumed and says why. Rows that one cause would move together
(all regions and years of a price deck, all lanes of a mode) are one figure.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from optimizer.chain.instance import Instance
from optimizer.chain.offers import DECK_COLUMNS, FIXED_COLUMNS
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.errors import DataProblem, Problem

SPANS = Path(__file__).with_name("spans.csv")
EVENT_PREFIXES = ("rate", "duration", "depth")
"""Kinds of figures that belong to an event."""

Effect = Literal["price", "loss", "first_order"]


@dataclass(frozen=True)
class Figure:
    """One figure, or several that move together.

    Attributes:
        figure: name, unique: kind and subject.
        kind: as in ``spans.csv``.
        subject: product, offer, mode, country, stage, project, event or market; empty for a setting.
        low_share, high_share: low and high as multiples of the base, averaged over the rows.
        rows: how many rows or lanes stand behind it.
        range_from: ``table`` or ``assumed``.
        confidence: of the rows, the weakest.
        effect: ``price`` is costed anew exactly; ``loss`` re-evaluates the shocks; ``first_order`` goes by duals.
        note: why the assumed range is what it is.
    """

    figure: str
    kind: str
    subject: str
    low_share: float
    high_share: float
    rows: int
    range_from: str
    confidence: str
    effect: Effect
    note: str = ""

    def share(self, level: float) -> float:
        """Multiple of the base at a level."""
        return 1.0 + (level * (self.high_share - 1.0) if level > 0 else -level * (self.low_share - 1.0))


@dataclass(frozen=True)
class Span:
    """Assumed reach of a kind of figure, as multiples of the base."""

    low_share: float
    high_share: float
    reason: str


def read_spans(path: Path | None = None) -> dict[str, Span]:
    """Spans by kind: the package's, with rows of ``path`` in their place.

    Raises:
        DataProblem: if the file has an unknown kind (N001), a cell that is no number, or low above 1 or high below
            (N002).
    """
    spans: dict[str, Span] = {}
    problems: list[Problem] = []
    for file in [SPANS, *([path] if path else [])]:
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                found = _span(row, file, spans if file != SPANS else None, problems)
                spans.update({str(row["kind"]): found} if found else {})
    if problems:
        raise DataProblem(problems)
    return spans


def _span(row: Mapping[str, Any], file: Path, known: Mapping[str, Span] | None, problems: list[Problem]) -> Span | None:
    kind = str(row.get("kind"))
    if known is not None and kind not in known:
        remedy = "take one of these, or leave the row out"
        problems.append(Problem("N001", str(file), kind, "kind", kind, ", ".join(sorted(known)), remedy))
        return None
    try:
        low, high = float(row["low_share"]), float(row["high_share"])
    except (KeyError, TypeError, ValueError):
        low = high = float("nan")
    if not 0.0 <= low <= 1.0 <= high <= 1e3:
        found = f"{row.get('low_share')} to {row.get('high_share')}"
        allowed = "multiples of the base: low 0 to 1, high 1 or more"
        remedy = "write both as shares of the base value, such as 0.8 and 1.3"
        problems.append(Problem("N002", str(file), kind, "low_share", found, allowed, remedy))
        return None
    return Span(low, high, str(row.get("reason") or ""))


@dataclass(frozen=True)
class Subjects:
    """What the plans in question take: only figures behind it can move them.

    Attributes:
        offers, lanes, projects, qualifications: taken by some plan.
        events: that the run's shocks come from.
    """

    offers: frozenset[str]
    lanes: frozenset[str]
    projects: frozenset[str]
    qualifications: frozenset[str]
    events: tuple[str, ...]


@dataclass
class _Collector:
    """Collects figures of a case."""

    tables: Tables
    instance: Instance
    deck: str
    taken: Subjects
    spans: Mapping[str, Span]
    found: list[Figure] = field(default_factory=list)

    def ranged(
        self, kind: str, subject: str, ranges: list[tuple[float, float]], rows: Iterable[Row], of: Effect
    ) -> None:
        """A figure whose rows have ranges of their own, as (low, high) over base; without any, the assumed span."""
        listed = list(rows)
        own = [(min(low, 1.0), max(high, 1.0)) for low, high in ranges]
        if any(low < 1.0 or high > 1.0 for low, high in own):
            low, high = (sum(pair[k] for pair in own) / len(own) for k in (0, 1))
            self._add(kind, subject, Span(low, high, ""), listed, of, "table")
        else:
            self.spanned(kind, subject, listed, of)

    def spanned(self, kind: str, subject: str, rows: Iterable[Row], of: Effect) -> None:
        """A figure without a range of its own."""
        span = self.spans[kind]
        if span.low_share < span.high_share:
            self._add(kind, subject, span, list(rows), of, "assumed")

    def _add(self, kind: str, subject: str, span: Span, rows: list[Row], of: Effect, origin: str) -> None:
        order = ("assumed", "derived", "reported", "stated", "measured")
        known = [str(row.get("confidence")) for row in rows if row.get("confidence")]
        weakest = min(known, key=lambda word: order.index(word) if word in order else len(order), default="")
        name = f"{kind}:{subject}" if subject else kind
        ends, count = (span.low_share, span.high_share), max(1, len(rows))
        self.found.append(Figure(name, kind, subject, *ends, count, origin, weakest, of, span.reason))


def figures_of(
    case: Any, instance: Instance, tables: Tables, taken: Subjects, spans: Mapping[str, Span]
) -> list[Figure]:
    """All figures of a case that can move the plans in question.

    Args:
        case: with its settings.
        instance: built from it.
        tables: of the case, the events of regimes included.
        taken: by the plans.
        spans: for figures without a range.
    """
    book = _Collector(tables, instance, case.settings.finance.price_deck, taken, spans)
    _decks(book)
    _offers(book)
    _movements(book)
    _decisions(book)
    _holding(book)
    _events(book)
    _normal(book)
    return book.found


def _decks(book: _Collector) -> None:
    """A deck of a product: all regions and years together."""
    indexed = {row["product"] for row in rows_of(book.tables, "offer_indices") if row["offer"] in book.taken.offers}
    rows: dict[str, list[Row]] = {}
    for row in rows_of(book.tables, "prices"):
        if row["product"] in indexed:
            rows.setdefault(row["product"], []).append(row)
    for product, listed in sorted(rows.items()):
        ranges = [_over(row, DECK_COLUMNS, book.deck) for row in listed if number(row, DECK_COLUMNS[book.deck]) > 0]
        book.ranged("deck", product, ranges, listed, "price")


def _over(row: Row, columns: Mapping[str, str], deck: str) -> tuple[float, float]:
    """Low and high over the base; the base itself where a cell is empty."""
    base = number(row, columns[deck], number(row, columns["base"]))
    return number(row, columns["low"], base) / base, number(row, columns["high"], base) / base


def _offers(book: _Collector) -> None:
    """The own part of an offer's price: what is not indexed."""
    for row in rows_of(book.tables, "offers"):
        if row["offer"] not in book.taken.offers:
            continue
        fixed = number(row, FIXED_COLUMNS[book.deck], number(row, "price_usd_per_kg"))
        if fixed > 0:
            book.ranged("own", row["offer"], [_over(row, FIXED_COLUMNS, book.deck)], [row], "price")


def _movements(book: _Collector) -> None:
    """Freight by mode; duties by country of arrival."""
    lanes = [lane for name, lane in book.instance.lanes.items() if name in book.taken.lanes and lane.layer == "buyer"]
    quotes = rows_of(book.tables, "freight_quotes")
    for mode in sorted({lane.mode for lane in lanes if lane.freight_usd_per_t > 0}):
        own = [row for row in quotes if row["mode"] == mode and number(row, "freight_usd_per_t") > 0]
        ranges = [_around(row, "freight_usd_per_t") for row in own]
        book.ranged("freight", mode, ranges, own, "price")
    countries = places_of(book.instance)
    duties = rows_of(book.tables, "tariffs")
    for country in sorted({countries[lane.to_place] for lane in lanes if any(lane.tariff_share.values())}):
        book.spanned("tariff", country, [row for row in duties if row["importer"] == country], "price")


def places_of(instance: Instance) -> dict[str, str]:
    """Facility or market → its country."""
    found = {name: facility.country_iso3 for name, facility in instance.facilities.items()}
    return found | {name: market.country_iso3 for name, market in instance.markets.items()}


def _around(row: Row, column: str) -> tuple[float, float]:
    value = number(row, column)
    return number(row, "low", value) / value, number(row, "high", value) / value


def _decisions(book: _Collector) -> None:
    """Qualification cost by stage; every project."""
    instance = book.instance
    paid = [instance.qualifications[name] for name in book.taken.qualifications]
    terms = rows_of(book.tables, "qualification_terms")
    for stage in sorted({instance.facilities[q.facility].stage for q in paid if q.cost_musd > 0}):
        book.spanned("qualification", stage, [row for row in terms if row["stage"] == stage], "price")
    for row in rows_of(book.tables, "projects"):
        if row["project"] in book.taken.projects and number(row, "cost_musd") > 0:
            book.spanned("project", row["project"], [row], "price")


def _holding(book: _Collector) -> None:
    """Stock, outlets, disposal, the discount rate, the line-stop cost."""
    instance = book.instance
    if any(storage.carrying_usd_per_t_year > 0 for storage in instance.storages.values()):
        book.spanned("stock", "", rows_of(book.tables, "stock_policies"), "price")
    outlets = rows_of(book.tables, "byproducts")
    if instance.byproducts:
        book.spanned("outlet", "", outlets, "price")
        book.spanned("disposal", "", outlets, "price")
    if instance.discount_rate_share > 0:
        book.spanned("discount", "", [{"confidence": "assumed"}], "price")
    if instance.is_shortfall_allowed and instance.line_stop_usd_per_kg > 0:
        book.spanned("line_stop", "", [{"confidence": "assumed"}], "price")


def _events(book: _Collector) -> None:
    """How often every event comes, how long it lasts, how much it cuts; what the spot market has and suppliers add."""
    rows = {str(row["event"]): row for row in rows_of(book.tables, "events")}
    hazards = {str(row["hazard"]): row for row in rows_of(book.tables, "hazards")}
    written = {str(row["event"]): row for row in rows_of(book.tables, "event_effects")}
    for event in book.taken.events:
        row = rows.get(event) or hazards.get(event) or {}
        ranges = [_around(row, "rate_per_year")] if number(row, "rate_per_year") > 0 else []
        book.ranged("rate", event, ranges, [row], "loss")
        if event in written:
            book.spanned("duration", event, [written[event]], "loss")
            book.spanned("depth", event, [written[event]], "loss")
    if book.taken.events and _has_spot(book.instance):
        book.spanned("spot", "", rows_of(book.tables, "spot_depths"), "loss")
    if book.taken.events and (book.instance.surge_share or any(o.surge_share for o in book.instance.offers.values())):
        book.spanned("surge", "", [{"confidence": "assumed"}], "loss")


def _has_spot(instance: Instance) -> bool:
    return any(q.spot_t for q in instance.qualifications.values()) or bool(instance.upstream_spot_t)


def _normal(book: _Collector) -> None:
    """Demand and yields: a fixed plan cannot follow them, so their effect goes by duals."""
    for market in _with_demand(book.instance):
        rows = [row for row in rows_of(book.tables, "demand") if row["market"] == market]
        book.spanned("demand", market, rows, "first_order")
    routes = {str(row["route"]): row for row in rows_of(book.tables, "routes")}
    stages: dict[str, list[Row]] = {}
    for recipe in book.instance.recipes.values():
        stage = book.instance.facilities[recipe.facility].stage
        stages.setdefault(stage, []).append(routes.get(recipe.route, {}))
    for stage, listed in sorted(stages.items()):
        if any(listed):
            book.spanned("yield", stage, listed, "first_order")


def _with_demand(instance: Instance) -> Iterator[str]:
    return (name for name, market in instance.markets.items() if any(market.demand_t.values()))
