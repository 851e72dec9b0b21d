"""Export licences: which row of the regime in force governs a movement.

A row without a regime always holds. Of the regimes in force (the plan's, the one it is based on, and so on) the first
that says anything about an exporter and a control group supplies all rows on them, so a regime restates what it keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.rows import ALL

FREE = "free"

ROUNDING = 1e-9
"""Shares held are sums of decimals."""


@dataclass(frozen=True, slots=True)
class Licence:
    """One row of ``licences``: what an exporter grants of a control group to a destination and end use.

    ``customers`` are the markets and facilities that it is about (empty: anybody): those named, and the plants of firms
    named. ``forms`` are the forms it is about (empty: all). ``content_threshold_share`` is the value share of
    controlled content from which foreign goods need the licence too where the rule is extraterritorial;
    ``spill_over_share`` the part of neighbouring goods that is held up with it.
    """

    exporter_iso3: str
    control_group: str
    destination: str
    segment: str
    policy: str
    approval_share: float
    processing_days: float
    first_year: int
    last_year: int
    regime: str | None = None
    customers: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    content_threshold_share: float = 0.0
    is_extraterritorial: bool = False
    is_transshipment_barred: bool = False
    spill_over_share: float = 0.0

    def covers(self, segment: str, year: int, customer: str, form: str | None) -> bool:
        """Say whether the row speaks about an end use, a year, a customer and a form; the destination is not asked."""
        return (
            self.first_year <= year <= self.last_year
            and self.segment in (ALL, segment)
            and (not self.customers or customer in self.customers)
            and (not self.forms or form is None or form in self.forms)
        )


def names_in(cell: object) -> frozenset[str]:
    """Give the names in a cell that joins them by semicolons."""
    return frozenset(name.strip() for name in str(cell or "").split(";") if name.strip())


def licence_of(row: Row) -> Licence:
    """Turn a row of ``licences`` into a licence; columns that are absent have no effect."""
    last = row.get("valid_to_year")
    return Licence(
        exporter_iso3=str(row["exporter_iso3"]),
        control_group=str(row["control_group"]),
        destination=str(row["destination"]),
        segment=str(row["segment"]),
        policy=str(row.get("policy")),
        approval_share=float(row["approval_share"]),
        processing_days=number(row, "processing_days"),
        first_year=int(row["valid_from_year"]),
        last_year=9999 if last is None else int(last),
        regime=row.get("regime"),
        customers=names_in(row.get("customers")),
        forms=names_in(row.get("forms")),
        content_threshold_share=number(row, "content_threshold_share"),
        is_extraterritorial=bool(row.get("is_extraterritorial")),
        is_transshipment_barred=bool(row.get("is_transshipment_barred")),
        spill_over_share=number(row, "spill_over_share"),
    )


class NamedPlants:
    """Plants of the firms that a licence names: those a firm operates, and those such firms hold to a threshold."""

    def __init__(self, tables: Tables) -> None:
        self._operator = {str(row["facility"]): str(row.get("operator")) for row in rows_of(tables, "facilities")}
        self._held: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for row in rows_of(tables, "owners"):
            self._held[str(row["facility"])][str(row["owner"])] += float(row["share"])

    def with_plants(self, licence: Licence, threshold_share: float) -> Licence:
        """Give the licence with the plants of its named firms as customers.

        A plant counts as its named owners where they together hold ``threshold_share`` of it; 0: operators alone count.
        """
        names = licence.customers
        if not names:
            return licence
        plants = {plant for plant, operator in self._operator.items() if operator in names}
        if threshold_share > 0:
            held = {plant: sum(owners[name] for name in names & set(owners)) for plant, owners in self._held.items()}
            plants |= {plant for plant, share in held.items() if share >= threshold_share - ROUNDING}
        return replace(licence, customers=names | plants)


def licences_in_force(tables: Tables, regimes: Sequence[str]) -> dict[tuple[str, str], list[Licence]]:
    """Give (exporter, control group) → licences that hold under ``regimes``, the most specific regime first."""
    by_regime: dict[tuple[str, str], dict[str | None, list[Licence]]] = defaultdict(lambda: defaultdict(list))
    plants = NamedPlants(tables)
    for row in rows_of(tables, "licences"):
        licence = plants.with_plants(licence_of(row), number(row, "ownership_threshold_share"))
        by_regime[licence.exporter_iso3, licence.control_group][licence.regime].append(licence)
    found: dict[tuple[str, str], list[Licence]] = {}
    for key, rows in by_regime.items():
        speaking: Iterable[str] = (name for name in regimes if name in rows)
        first = next(iter(speaking), None)
        found[key] = [*rows.get(None, []), *(rows[first] if first is not None else [])]
    return {key: rows for key, rows in found.items() if rows}
