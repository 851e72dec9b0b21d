"""References: foreign keys, countries and groups, and the columns where a name or ``*`` may stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from optimizer.errors import Problem
from optimizer.tables.read import Row
from optimizer.tables.view import View, at, listed, remedy_for

ALL = "*"
"""Stands for all where a column allows it."""

_COUNTRY_COLUMNS = (
    ("tariffs", "importer"),
    ("tariffs", "exporter"),
    ("licences", "destination"),
    ("event_effects", "country"),
    ("event_effects", "destination"),
    ("standards", "country"),
    ("activity_rules", "country"),
    ("restoration_costs", "country"),
    ("yield_learning", "country"),
    ("hazard_effects", "country"),
    ("hazard_effects", "destination"),
    ("replay_effects", "country"),
    ("replay_effects", "destination"),
    ("replay_actuals", "exporter"),
    ("replay_actuals", "destination"),
)
"""Columns that hold a country, a group of countries or ``*``."""

_PLAIN_COUNTRIES = (("freight_quotes", "from_country_iso3"), ("freight_quotes", "to_country_iso3"))

_NAME_OR_ALL = (
    ("event_effects", "facility", "facilities", "facility"),
    ("event_effects", "operator", "facilities", "operator"),
    ("event_effects", "control_group", "products", "control_group"),
    ("event_effects", "form", "products", "form"),
    ("event_effects", "passage", "passages", "passage"),
    ("hazard_effects", "facility", "facilities", "facility"),
    ("hazard_effects", "operator", "facilities", "operator"),
    ("hazard_effects", "control_group", "products", "control_group"),
    ("hazard_effects", "form", "products", "form"),
    ("hazard_effects", "passage", "passages", "passage"),
    ("replay_effects", "facility", "facilities", "facility"),
    ("replay_effects", "operator", "facilities", "operator"),
    ("replay_effects", "control_group", "products", "control_group"),
    ("replay_effects", "form", "products", "form"),
    ("replay_effects", "passage", "passages", "passage"),
    ("replay_actuals", "form", "products", "form"),
    ("footprints", "facility", "facilities", "facility"),
    ("footprints", "route", "routes", "route"),
    ("qualified", "market", "markets", "market"),
    ("qualification_terms", "form", "products", "form"),
    ("spot_depths", "form", "products", "form"),
    ("tariffs", "form", "products", "form"),
    ("links", "form", "products", "form"),
    ("standards", "facility", "facilities", "facility"),
    ("activity_rules", "facility", "facilities", "facility"),
    ("activity_rules", "route", "routes", "route"),
    ("feed_properties", "form", "products", "form"),
    ("restoration_costs", "facility", "facilities", "facility"),
    ("restoration_costs", "route", "routes", "route"),
    ("yield_learning", "route", "routes", "route"),
    ("subsidy_terms", "facility", "facilities", "facility"),
    ("subsidy_terms", "project", "projects", "project"),
    ("subsidy_terms", "product", "products", "product"),
)
"""(table, column, table referred to, its column); ``*`` is allowed in all of them."""

_STAGE_COLUMNS = (
    ("facilities", "stage"),
    ("routes", "stage"),
    ("offers", "first_stage"),
    ("offers", "last_stage"),
    ("projects", "first_stage"),
    ("projects", "last_stage"),
    ("qualification_terms", "stage"),
    ("spot_depths", "stage"),
    ("event_effects", "stage"),
    ("standards", "stage"),
    ("activity_rules", "stage"),
    ("yield_learning", "stage"),
    ("hazard_effects", "stage"),
)

_OR_ALL = ("event_effects", "hazard_effects", "standards", "activity_rules", "yield_learning")
"""Tables whose selectors may be ``*``; those of hazards also a word in braces, which a draw fills in."""

_NAMED = ("products", "routes", "facilities", "ports", "passages", "offers", "projects", "events", "hazards", "markets")
_BAD_NAME = re.compile(r"^/|/$|//|[\\|<>:@*;\"'`]|^\.|^~|^-|\.\.")


def reference_problems(view: View) -> Iterator[Problem]:
    """Yield every reference to something that does not exist (T025, T027, T035) and every unusable name (T026)."""
    yield from _foreign_keys(view)
    yield from _countries(view)
    yield from _names_or_all(view)
    yield from _stages(view)
    yield from _own_selectors(view)
    yield from _places(view)
    yield from _passages(view)
    yield from _bases(view)
    yield from _names(view)


def _foreign_keys(view: View) -> Iterator[Problem]:
    for name, table in view.tables.items():
        for link in table.resource.foreign_keys:
            if not view.is_judgeable(link.resource):
                continue
            known = view.names(link.resource, link.target)
            for row in table.rows:
                value = row[link.field]
                if value is None or str(value) in known or _is_exempt(row, link.resource, view):
                    continue
                yield _dangling(row, link.field, link.resource, known, name)


def _is_exempt(row: Row, target: str, view: View) -> bool:
    """Whether a row need not name a registered source: the buyer's own, and all of a case without shared tables."""
    return target == "sources" and row.is_own and (view.settings.base == "none" or row["source_id"] == "case")


def _dangling(row: Row, column: str, target: str, known: frozenset[str], table: str) -> Problem:
    if target == "countries":
        remedy = remedy_for(row[column], known, "write an ISO 3166-1 code of three letters, or add it to countries")
        return at(row, "T027", column, "a code of the countries table", remedy)
    remedy = remedy_for(row[column], known, f"add it to {target}.csv, or take the row out of {table}.csv")
    return at(row, "T025", column, f"one of {target}: {listed(known)}", remedy)


def _countries(view: View) -> Iterator[Problem]:
    if not view.is_judgeable("countries", "country_groups"):
        return
    groups = view.countries_and_groups
    for table, column in _COUNTRY_COLUMNS:
        for row in view.rows(table):
            if row[column] not in (None, ALL, f"{{{column}}}") and row[column] not in groups:
                remedy = remedy_for(row[column], groups, "write a country's code, a group of country_groups, or *")
                yield at(row, "T027", column, "a country, a group or *", remedy)
    codes = view.names("countries", "country_iso3")
    for table, column in _PLAIN_COUNTRIES:
        for row in view.rows(table):
            if row[column] is not None and row[column] not in codes:
                remedy = remedy_for(row[column], codes, "write an ISO 3166-1 code of three letters")
                yield at(row, "T027", column, "a code of the countries table", remedy)


def _names_or_all(view: View) -> Iterator[Problem]:
    for table, column, target, target_column in _NAME_OR_ALL:
        if not view.is_judgeable(target):
            continue
        known = view.names(target, target_column)
        for row in view.rows(table):
            if row[column] not in (None, ALL, f"{{{column}}}") and row[column] not in known:
                remedy = remedy_for(row[column], known, f"write one of them, or * for all; they stand in {target}.csv")
                yield at(row, "T025", column, f"* or a {target_column} of {target}: {listed(known)}", remedy)


def _stages(view: View) -> Iterator[Problem]:
    if not view.is_judgeable("routes"):
        return
    for table, column in _STAGE_COLUMNS:
        for row in view.rows(table):
            if row[column] not in (None, *view.stages) and not (row[column] == ALL and table in _OR_ALL):
                remedy = remedy_for(row[column], view.stages, "write one of the stages")
                yield at(row, "T035", column, ", ".join(view.stages) or "(no stage is known)", remedy)


def _own_selectors(view: View) -> Iterator[Problem]:
    """Yield selectors of a case's own events that match nothing in it; shared events may name what it lacks."""
    rules = frozenset(rule.rule for rule in view.settings.origin_rules)
    segments = view.names("markets", "segment")
    for column, known in (("origin_rule", rules), ("segment", segments)):
        for row in view.rows("event_effects"):
            if row.is_own and row[column] not in (None, ALL) and row[column] not in known:
                remedy = remedy_for(row[column], known, "write one of them, or * for all")
                yield at(row, "T025", column, f"* or one of: {listed(known)}", remedy)


def _places(view: View) -> Iterator[Problem]:
    if not view.is_judgeable("facilities", "markets"):
        return
    places = view.names("markets", "market") | view.names("facilities", "facility")
    for row in view.rows("stock_policies"):
        if row["place"] is not None and row["place"] not in places:
            remedy = remedy_for(row["place"], places, "write the name of a market or a facility")
            yield at(row, "T025", "place", "a market or a facility", remedy)
    both = view.names("markets", "market") & view.names("facilities", "facility")
    for row in view.rows("markets"):
        if row["market"] in both:
            yield at(row, "T026", "market", "a name that no facility has", "rename the market")


def _passages(view: View) -> Iterator[Problem]:
    if not view.is_judgeable("passages"):
        return
    known = view.names("passages", "passage")
    for row in view.rows("sea_routes"):
        for name in str(row["passages"] or "").split(";"):
            if name.strip() and name.strip() not in known:
                remedy = remedy_for(name.strip(), known, "add it to passages.csv")
                yield at(row, "T025", "passages", f"names of passages, with semicolons: {listed(known)}", remedy)


def _bases(view: View) -> Iterator[Problem]:
    if not view.is_judgeable("products"):
        return
    known = view.names("products", "product") | {"feed", "output"}
    for row in view.rows("facilities"):
        if row["capacity_basis"] is not None and row["capacity_basis"] not in known:
            remedy = remedy_for(row["capacity_basis"], known, "write feed or output")
            yield at(row, "T025", "capacity_basis", "feed, output or a product", remedy)


def _names(view: View) -> Iterator[Problem]:
    for table in _NAMED:
        for row in view.rows(table):
            column = view.tables[table].resource.key[0]
            if row[column] is not None and _BAD_NAME.search(str(row[column])):
                allowed = "a short name without \\ | < > : @ * ; quotation marks or .., not starting with . ~ or -"
                yield at(row, "T026", column, allowed, "write letters, digits, - and _ only")
