"""What uses a row of the shared tables: rows that name it, shipped cases, and the part of the model a table feeds."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from optimizer.tables.locate import cases_root, shipped_cases
from optimizer.tables.package import Package, Resource
from optimizer.tables.read import Row, Table, key_text

FEEDS: Mapping[str, tuple[str, ...]] = {
    "countries": ("Facility.country_iso3", "Market.country_iso3"),
    "country_groups": ("Lane.tariff_share", "Lane.approval_share", "Facility.origin_bits"),
    "products": ("Product", "Lane.customs_value_usd_per_kg"),
    "compositions": ("Recipe.inputs", "Recipe.outputs", "Product.tracked_share"),
    "routes": ("Recipe",),
    "route_flows": ("Recipe.inputs", "Recipe.outputs"),
    "yield_learning": ("Recipe.yield_share", "Project.profile"),
    "facilities": ("Facility.capacity_t", "Facility.open_sale_t", "Facility.open_toll_t"),
    "facility_routes": ("Recipe",),
    "offtakes": ("Facility.open_sale_t", "Facility.open_toll_t"),
    "links": ("Lane",),
    "ports": ("Lane.distance_km", "Lane.lead_time_days"),
    "passages": ("Lane.passages",),
    "sea_routes": ("Lane.distance_km", "Lane.lead_time_days", "Lane.passages"),
    "freight_rates": ("Lane.freight_usd_per_t", "Lane.lead_time_days"),
    "freight_quotes": ("Lane.freight_usd_per_t",),
    "tariffs": ("Lane.tariff_share",),
    "licences": ("Lane.approval_share", "Lane.processing_days"),
    "prices": ("Offer.price_usd_per_kg",),
    "deflators": ("Offer.price_usd_per_kg", "Project.cost_musd", "Lane.freight_usd_per_t"),
    "byproducts": ("Byproduct",),
    "offers": ("Offer",),
    "offer_indices": ("Offer.price_usd_per_kg",),
    "qualification_terms": ("Qualification.lead_time_years", "Qualification.cost_musd"),
    "projects": ("Project",),
    "footprints": ("Recipe.footprint",),
    "events": ("Shock.rate_per_year", "Shock.story"),
    "event_effects": ("Shock.facility_share", "Shock.lane_share", "Shock.price_multiple"),
    "hazards": ("Shock.rate_per_year", "Shock.story"),
    "hazard_effects": ("Shock.facility_share", "Shock.lane_share", "Shock.price_multiple"),
    "spot_depths": ("Qualification.spot_t", "Qualification.spot_price_usd_per_kg"),
}
"""Model table → sets and parameters of the instance (``optimizer/chain/instance.py``) that are made from it."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place that names a row: a table, or a file of a shipped case; its key or line, and the column."""

    where: str
    row: str
    column: str


def feeds(resource: Resource) -> tuple[str, ...]:
    """Return what of the instance a table feeds; nothing for record tables, which no case reads."""
    return () if resource.is_record_table else FEEDS.get(resource.name, ())


@dataclass(frozen=True)
class Uses:
    """Finds what names a row."""

    package: Package
    tables: Mapping[str, Table]

    def of(self, resource: Resource, row: Row) -> Iterator[Use]:
        """Yield every row of another table, and every place in a shipped case, that names a row of ``resource``."""
        for target in self._targets(resource):
            value = row[target]
            if value is None:
                continue
            for table, column in self._columns(resource, target):
                for place in self._index[table.resource.name, column].get(str(value), ()):
                    key = key_text(place[name] for name in table.resource.key)
                    yield Use(table.resource.name, key, column)
            for where, line in self._in_cases.get(str(value), ()):
                yield Use(where, line, target)

    def _targets(self, resource: Resource) -> list[str]:
        """Columns by which other tables name a row: those that foreign keys point to, and a key of one column."""
        pointed = {
            link.target
            for table in self.tables.values()
            for link in table.resource.foreign_keys
            if link.resource == resource.name
        }
        own = set(resource.key) if len(resource.key) == 1 else set()
        return [name for name in resource.columns if name in pointed | own]

    def _columns(self, resource: Resource, target: str) -> Iterator[tuple[Table, str]]:
        """Columns of other tables that hold values of a column: by foreign key, or because they bear its name."""
        for table in self.tables.values():
            if table.resource.name == resource.name:
                continue
            linked = {
                link.field
                for link in table.resource.foreign_keys
                if (link.resource, link.target) == (resource.name, target)
            }
            named = {target} if target in table.resource.columns and len(resource.key) == 1 else set()
            for column in sorted(linked | named):
                yield table, column

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], Mapping[str, list[Row]]]:
        found: dict[tuple[str, str], dict[str, list[Row]]] = {}
        for name, table in self.tables.items():
            for column in table.resource.columns:
                places: dict[str, list[Row]] = {}
                for row in table.rows:
                    places.setdefault(str(row[column]), []).append(row)
                found[name, column] = places
        return found

    @cached_property
    def _in_cases(self) -> Mapping[str, list[tuple[str, str]]]:
        """Cell of a shipped case's own tables, or text in quotation marks in its settings → (file, line)."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name in shipped_cases():
            folder = cases_root() / name
            for path in sorted(folder.glob("*.csv")):
                with path.open(encoding="utf-8-sig", newline="") as file:
                    for line, cells in enumerate(csv.reader(file), 1):
                        for cell in set(cells) if line > 1 else ():
                            found.setdefault(cell, []).append((f"case {name}: {path.name}", f"line {line}"))
            text = (folder / "case.toml").read_text(encoding="utf-8")
            for line, content in enumerate(text.splitlines(), 1):
                for quoted in set(content.split("#")[0].split('"')[1::2]):
                    found.setdefault(quoted, []).append((f"case {name}: case.toml", f"line {line}"))
        return found
