"""Units of columns, and conversions between the bases a mass is stated on.

A tonne of a mineral chain is a tonne of something: element, oxide, the sum of rare earth oxides, metal, finished
magnet. What converts one into another follows from atomic masses and compositions, which stand in the tables
``components``, ``product_compositions`` and ``compositions``; nothing here names an element.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optimizer.tables.read import Row
from optimizer.tables.view import number

ELEMENT, OXIDE = "element", "oxide"
"""States in which a component may be counted."""

SUFFIX_UNITS: Mapping[str, frozenset[str]] = {
    "_t": frozenset({"t"}),
    "_t_reo": frozenset({"t"}),
    "_t_oxide": frozenset({"t"}),
    "_t_metal": frozenset({"t"}),
    "_t_magnet": frozenset({"t"}),
    "_t_per_year": frozenset({"t/yr"}),
    "_kg_per_kg": frozenset({"kg/kg"}),
    "_usd_per_kg": frozenset({"USD/kg"}),
    "_usd_per_t": frozenset({"USD/t", "USD/(t/yr)"}),
    "_musd": frozenset({"MUSD"}),
    "_km": frozenset({"km"}),
    "_days": frozenset({"days"}),
    "_months": frozenset({"months"}),
    "_years": frozenset({"years"}),
    "_share": frozenset({"", "1", "kg/kg"}),
    "_rate_per_year": frozenset({"1/yr"}),
    "_kgco2e": frozenset({"kg CO2e"}),
    "_m3": frozenset({"m3"}),
    "_iso3": frozenset({""}),
    "_t_per_t": frozenset({"t/t"}),
    "_usd_per_t_km": frozenset({"USD/(t km)"}),
    "_usd_per_t_year": frozenset({"USD/(t yr)"}),
    "_value_per_t": frozenset({"indicator unit per t"}),
}
"""Suffix of a column's name → units it may have in the data package: those of the contract, then four compounds."""

ROW_UNITS = frozenset(
    {"t", "t_per_year", "t_reo", "t_reo_per_year", "t_co2e_per_year", "share", "ratio", "count", "flag", "days"}
    | {
        "working_days",
        "months",
        "years",
        "m",
        "ppm",
        "bq_per_g",
        "mg_per_l",
        "musd",
        "cny_per_t",
        "usd_per_t_co2e",
        "usd_per_kg",
    }
)
"""Units a row may state where a table is mixed by nature and has a column ``unit``."""


def suffix_of(column: str) -> str | None:
    """Return the longest unit suffix a column's name ends with, also where the name is the suffix itself."""
    fitting = [suffix for suffix in SUFFIX_UNITS if f"_{column}".endswith(suffix)]
    return max(fitting, key=len, default=None)


@dataclass(frozen=True, slots=True)
class Component:
    """A component and its oxide: atomic masses in g/mol, atoms per unit of the oxide (0: not counted as oxide)."""

    name: str
    atomic_mass: float
    oxide_metal_atoms: int
    oxide_oxygen_atoms: int
    counter_atomic_mass: float
    is_summed: bool

    @property
    def element_per_oxide(self) -> float:
        """Mass of the element in a mass of its oxide, kg/kg.

        Raises:
            ValueError: if the component is not counted as an oxide.
        """
        own = self.oxide_metal_atoms * self.atomic_mass
        if own <= 0:
            raise ValueError(f"{self.name} is not counted as an oxide")
        return own / (own + self.oxide_oxygen_atoms * self.counter_atomic_mass)

    def convert(self, mass: float, from_state: str, to_state: str) -> float:
        """Return the mass of the component in another state (element or oxide), same unit as ``mass``."""
        if from_state == to_state:
            return mass
        return mass * self.element_per_oxide if to_state == ELEMENT else mass / self.element_per_oxide


def read_components(rows: Iterable[Row]) -> dict[str, Component]:
    """Return the components of the ``components`` table by symbol."""
    return {
        str(row["component"]): Component(
            name=str(row["component"]),
            atomic_mass=number(row, "atomic_mass") or 0.0,
            oxide_metal_atoms=int(number(row, "oxide_metal_atoms") or 0),
            oxide_oxygen_atoms=int(number(row, "oxide_oxygen_atoms") or 0),
            counter_atomic_mass=number(row, "counter_atomic_mass") or 0.0,
            is_summed=bool(row["is_rare_earth"]),
        )
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class Contents:
    """What a tonne of a product consists of: component → kg of it per kg of product, in the state given."""

    state: str
    shares: Mapping[str, float]

    def in_state(self, state: str, components: Mapping[str, Component]) -> dict[str, float]:
        """Return kg of each component per kg of product, counted in ``state``."""
        return {name: components[name].convert(share, self.state, state) for name, share in self.shares.items()}


def read_contents(rows: Iterable[Row]) -> dict[str, Contents]:
    """Return what each product of ``product_compositions`` consists of; a product is counted in one state."""
    states: dict[str, str] = {}
    shares: dict[str, dict[str, float]] = {}
    for row in rows:
        product = str(row["product"])
        states[product] = str(row["state"])
        shares.setdefault(product, {})[str(row["component"])] = number(row, "kg_per_kg") or 0.0
    return {product: Contents(states[product], shares[product]) for product in shares}


def oxide_sum(shares: Mapping[str, float], components: Mapping[str, Component]) -> float:
    """Return the sum of the oxides that count in a sum of rare earth oxides, same unit as the shares."""
    return sum(value for name, value in shares.items() if name in components and components[name].is_summed)


def finished_from_metal(mass: float, kg_metal_per_kg: float) -> float:
    """Return finished product made from a mass of metal, given kg of metal bought per kg of finished product."""
    return mass / kg_metal_per_kg
