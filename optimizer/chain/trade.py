"""Trade rules on a movement: import duties that stack, and export licences that pass a share of the volume.

Both are looked up for whole years. A duty counts for a year if it is in force on 1 July of that year, a licence regime
if the year lies in its first and last year. Country groups may stand wherever a country may stand, ``*`` for all.
One regime decides duties and licences together: rows that name it hold only while it, or one based on it, is in force.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from optimizer.chain.licences import Licence, Movement, licences_in_force
from optimizer.chain.rows import ALL, Tables, table_rows

MID_YEAR = "07-01"
"""Month and day on which a year's duties are read: flows of a year are mid-year."""


@dataclass(frozen=True, slots=True)
class _Duty:
    importer: str
    exporter: str
    form: str
    legal_basis: str
    is_exemption: bool
    rate_share: float
    valid_from: str
    valid_to: str
    depth: int


class CountryGroups:
    """Which countries a name stands for: a code for itself, a group for its members, ``*`` for every country."""

    def __init__(self, tables: Tables) -> None:
        groups: dict[str, set[str]] = defaultdict(set)
        for row in table_rows(tables, "country_groups"):
            groups[str(row["group"])].add(str(row["country_iso3"]))
        self._members = {group: frozenset(codes) for group, codes in groups.items()}
        self._all = frozenset(str(row["country_iso3"]) for row in table_rows(tables, "countries"))

    def members(self, country_or_group: str) -> frozenset[str]:
        """Country codes that ``country_or_group`` stands for."""
        if country_or_group == ALL:
            return self._all
        return self._members.get(country_or_group, frozenset({country_or_group}))

    def covers(self, country_or_group: str, country_iso3: str) -> bool:
        """Whether a name in a rule covers a country; ``*`` covers any, also one the tables do not list."""
        return country_or_group in (ALL, country_iso3) or country_iso3 in self._members.get(country_or_group, ())

    def specificity(self, country_or_group: str) -> tuple[int, int]:
        """Sort key: a country is more specific than a group, a small group than a large one, anything than ``*``."""
        if country_or_group == ALL:
            return (0, 0)
        if country_or_group in self._members:
            return (1, -len(self._members[country_or_group]))
        return (2, 0)


class TradeRules:
    """Duties and licences of a set of tables, indexed once and remembered per question asked.

    ``regimes`` are the regime in force and those it is based on, the most specific first (``regimes_in_force``).
    """

    def __init__(self, tables: Tables, regimes: Sequence[str] = ()) -> None:
        self.groups = CountryGroups(tables)
        self._depth = {name: len(regimes) - i for i, name in enumerate(regimes)}
        self._duties: dict[str, list[_Duty]] = defaultdict(list)
        for row in table_rows(tables, "tariffs"):
            if row.get("regime") is None or row["regime"] in self._depth:
                duty = _duty(row, self._depth.get(row.get("regime") or "", 0))
                self._duties[duty.form].append(duty)
        self.licences = licences_in_force(tables, regimes)
        self._named = frozenset(name for rows in self.licences.values() for row in rows for name in row.customers)
        self._known_tariff: dict[tuple[str, str, str, int], float] = {}
        self._known_licence: dict[Movement, Licence | None] = {}

    def tariff_share(self, importer_iso3: str, exporter_iso3: str, form: str, year: int) -> float:
        """Ad valorem duty on a form, as a share of customs value, in force on 1 July of the year.

        Duties of different legal bases add. Of several duties of one basis the one that names the exporter most
        specifically counts (then importer, form, the more specific regime, latest start). An exemption sets the duty of
        its basis to its own rate; without a duty of that basis it does nothing. Goods do not pay within a country, nor
        between members of a group that is itself the importer of the row (a customs union), unless the row names the
        exporter.
        """
        key = (importer_iso3, exporter_iso3, form, year)
        if key not in self._known_tariff:
            self._known_tariff[key] = self._stacked_duty(*key)
        return self._known_tariff[key]

    def approval_share(self, asked: Movement) -> float:
        """Share of the volume that licences let through; 1 where nothing is controlled."""
        row = self.licence(asked)
        return 1.0 if row is None else row.approval_share

    def licence(self, asked: Movement) -> Licence | None:
        """Row that governs a movement, None where nothing is controlled.

        The most specific row counts: one that names the segment before one that names the customer, then the
        destination, then the one that started last.
        """
        if asked.customer not in self._named:
            asked = replace(asked, customer=ALL)
        if asked not in self._known_licence:
            self._known_licence[asked] = self._governing(asked)
        return self._known_licence[asked]

    def _stacked_duty(self, importer: str, exporter: str, form: str, year: int) -> float:
        if importer == exporter:
            return 0.0
        by_basis: dict[str, list[_Duty]] = defaultdict(list)
        for duty in (*self._duties.get(form, ()), *self._duties.get(ALL, ())):
            if self._applies(duty, importer, exporter, f"{year}-{MID_YEAR}"):
                by_basis[duty.legal_basis].append(duty)
        # rounded to 12 digits: a sum of decimal rates must not depend on the order of the rows
        return round(sum((self._rate(duties) for duties in by_basis.values()), 0.0), 12)

    def _applies(self, duty: _Duty, importer: str, exporter: str, day: str) -> bool:
        if not duty.valid_from <= day <= duty.valid_to:
            return False
        if not (self.groups.covers(duty.importer, importer) and self.groups.covers(duty.exporter, exporter)):
            return False
        is_union = duty.importer not in (ALL, importer)
        is_inside = is_union and self.groups.covers(duty.importer, exporter)
        return not (is_inside and duty.exporter != exporter)

    def _rate(self, duties: Iterable[_Duty]) -> float:
        """Rate of one legal basis from the rows that apply."""
        rows = sorted(duties, key=self._duty_rank)
        charged = [duty for duty in rows if not duty.is_exemption]
        exempt = [duty for duty in rows if duty.is_exemption]
        if not charged:
            return 0.0
        return exempt[-1].rate_share if exempt else charged[-1].rate_share

    def _duty_rank(self, duty: _Duty) -> tuple[tuple[int, int], tuple[int, int], bool, int, str]:
        of = self.groups.specificity
        return (of(duty.exporter), of(duty.importer), duty.form != ALL, duty.depth, duty.valid_from)

    def _governing(self, asked: Movement) -> Licence | None:
        if asked.control_group is None or asked.exporter_iso3 == asked.destination_iso3:
            return None
        rows = [
            row
            for row in self.licences.get((asked.exporter_iso3, asked.control_group), ())
            if row.covers(asked) and self.groups.covers(row.destination, asked.destination_iso3)
        ]
        return max(rows, key=self._licence_rank, default=None)

    def _licence_rank(self, row: Licence) -> tuple[bool, bool, tuple[int, int], bool, int]:
        of = self.groups.specificity
        return (row.segment != ALL, bool(row.customers), of(row.destination), bool(row.forms), row.first_year)


def _duty(row: dict[str, object], depth: int) -> _Duty:
    return _Duty(
        importer=str(row["importer"]),
        exporter=str(row["exporter"]),
        form=str(row["form"]),
        legal_basis=str(row["legal_basis"]),
        is_exemption=row["kind"] == "exemption",
        rate_share=float(str(row["rate_share"])),
        valid_from=_day(row["valid_from"], "0001-01-01", "-01"),
        valid_to=_day(row.get("valid_to"), "9999-12-31", "-31"),
        depth=depth,
    )


def _day(value: object, missing: str, filling: str) -> str:
    """ISO date as text that sorts; a year or month alone is filled to its first or last day."""
    if value is None:
        return missing
    text = str(value)[:10]
    if len(text) == len("2026"):
        text += "-01" if filling == "-01" else "-12"
    return text + filling if len(text) == len("2026-07") else text


_RULES: dict[int, tuple[Tables, TradeRules]] = {}


def _rules(tables: Tables) -> TradeRules:
    """Rules of the tables asked last; tables are not changed once loaded."""
    held = _RULES.get(id(tables))
    if held is None or held[0] is not tables:
        _RULES.clear()
        held = (tables, TradeRules(tables))
        _RULES[id(tables)] = held
    return held[1]


def members(tables: Tables, country_or_group: str) -> frozenset[str]:
    """Country codes that a country code, a group name or ``*`` stands for."""
    return _rules(tables).groups.members(country_or_group)


def tariff_share(tables: Tables, importer_iso3: str, exporter_iso3: str, form: str, year: int) -> float:
    """See ``TradeRules.tariff_share``."""
    return _rules(tables).tariff_share(importer_iso3, exporter_iso3, form, year)


def approval_share(tables: Tables, asked: Movement) -> float:
    """See ``TradeRules.approval_share``."""
    return _rules(tables).approval_share(asked)
