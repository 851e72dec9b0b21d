"""The frozen instance: everything the model needs, sparse, with units in the names.

The instance is the seam between tables and mathematics. It holds no table and no solver object;
``chain.build`` makes it from tables and a case, ``model.build`` turns it into a Pyomo model.

Two layers of flow run over the same facilities:

* ``supplier`` — material behind a priced sale (*shadow flow*): it uses capacity, carries origin and
  footprint and is hit by shocks, but neither costs nor earns the buyer anything;
* ``buyer`` — material the buyer owns, from the contract point on: it pays freight, duty and tolls, and
  every by-product is the buyer's.

A sale moves material from the supplier layer to the buyer layer at the offer's facility.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from optimizer.chain.limit_kinds import Budget, BuildLimit, EnvironmentCap, ShareCap, SupplierCount
from optimizer.chain.support_kinds import PublicMoney

Layer = Literal["supplier", "buyer"]
LAYERS: tuple[Layer, Layer] = ("supplier", "buyer")
OriginClass = int
"""Bit mask: bit i is set if the material is marked by origin rule i of ``Instance.origin_rules``."""


@dataclass(frozen=True, slots=True)
class Facility:
    """A plant at one stage (or a flagged aggregate).

    ``open_sale_t`` and ``open_toll_t`` give, per year, the capacity (t/yr on the facility's basis) that
    one buyer can have through sales and through toll conversion: (capacity x availability x ramp-up
    - offtakes) x the ceiling of that kind. ``origin_bits`` marks what passes through the facility.
    """

    facility: str
    name: str
    operator: str
    country_iso3: str
    latitude: float
    longitude: float
    stage: str
    status: str
    is_aggregate: bool
    start_year: int | None
    origin_bits: OriginClass
    capacity_t: Mapping[int, float]
    open_sale_t: Mapping[int, float]
    open_toll_t: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Product:
    """A thing that is shipped. ``tracked_share`` is kg of valued elements per kg."""

    product: str
    name: str
    form: str
    ore: str | None
    basis: str
    tracked_share: float
    reference_price_usd_per_kg: float
    control_group: str | None
    is_storable: bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a facility turns into what, per tonne of throughput.

    ``inputs`` and ``outputs`` map products to t per t of throughput, ``capacity_use`` is t of capacity (on
    the facility's basis) per t of throughput, ``layers`` are the layers in which the buyer's model may run
    it, ``footprint`` maps an indicator to its load per t of throughput. In ``closed_years`` a rule forbids it;
    ``restoration_usd_per_t`` is what restoring the land costs per t of throughput. ``yield_share`` holds, for years in
    which the plant still learns, its output per t of throughput as a share of ``outputs``.
    """

    recipe: str
    facility: str
    route: str
    inputs: Mapping[str, float]
    outputs: Mapping[str, float]
    capacity_use: float
    layers: tuple[Layer, ...]
    footprint: Mapping[str, float]
    closed_years: frozenset[int] = frozenset()
    restoration_usd_per_t: float = 0.0
    yield_share: Mapping[int, float] = field(default_factory=dict)

    def made_t(self, product: str, year: int) -> float:
        """Give the output of a product per t of throughput in a year; 0 where it is not made."""
        return self.outputs.get(product, 0.0) * self.yield_share.get(year, 1.0)

    @property
    def least_yield_share(self) -> float:
        """Smallest share of the mature yield in any year."""
        return min(self.yield_share.values(), default=1.0)


@dataclass(frozen=True, slots=True)
class Lane:
    """A legal way to ship one product between two places in one layer.

    ``to_place`` is a facility or a market. Freight is USD/t of product; ``tariff_share`` and
    ``approval_share`` are per year, ``customs_value_usd_per_kg`` is the fixed value duties apply to.
    ``processing_days`` is the time to a licence by year; ``barred_bits`` are, by year, the origin marks whose material
    another state's refusal keeps off the lane.
    """

    lane: str
    layer: Layer
    from_place: str
    to_place: str
    product: str
    mode: str
    distance_km: float
    passages: tuple[str, ...]
    lead_time_days: float
    freight_usd_per_t: float
    customs_value_usd_per_kg: float
    tariff_share: Mapping[int, float]
    approval_share: Mapping[int, float]
    classes: tuple[OriginClass, ...]
    from_port: str | None = None
    to_port: str | None = None
    processing_days: Mapping[int, float] = field(default_factory=dict)
    barred_bits: Mapping[int, OriginClass] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Market:
    """Where demand is. ``accepts`` maps a product to (kg needed per kg of demand, extra USD/kg).

    ``forbidden_bits`` are, per year, the origin rules whose marked material the market may not take.
    ``criticality`` is already scaled to a demand-weighted average of 1 over the horizon.
    """

    market: str
    name: str
    country_iso3: str
    latitude: float
    longitude: float
    segment: str
    criticality: float
    accepts: Mapping[str, tuple[float, float]]
    demand_t: Mapping[int, float]
    forbidden_bits: Mapping[int, OriginClass]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a supplier will sign. Volumes are t/yr of ``product``; ``price_usd_per_kg`` is per contract year.

    ``kind`` is ``sale`` or ``toll``; ``recipe`` is the recipe run for the buyer (toll only).
    ``start_years`` are the years in which it may start; ``running_t`` is the volume of a contract in force
    today, per year of its remaining term. ``qualification`` names the qualification that must be in force
    before anything is delivered, or None.
    """

    offer: str
    kind: Literal["sale", "toll"]
    facility: str
    product: str
    recipe: str | None
    price_usd_per_kg: Mapping[int, float]
    min_t: float
    max_t: float
    term_years: int
    start_years: tuple[int, ...]
    running_t: Mapping[int, float]
    take_or_pay_share: float
    surge_share: float
    first_stage: str
    last_stage: str
    qualification: str | None


@dataclass(frozen=True, slots=True)
class Qualification:
    """Release of a facility's product for a group of markets.

    ``is_held`` says that it is in force today; otherwise it may come into force in one of ``years``
    (already shifted by the lead time), at ``cost_musd`` paid ``lead_time_years`` before.
    ``spot_t`` is, per year, what can be bought without contract in a shock (t/yr), ``spot_price_usd_per_kg`` at what
    price.
    """

    qualification: str
    facility: str
    product: str
    market: str
    is_held: bool
    years: tuple[int, ...]
    lead_time_years: float
    cost_musd: float
    spot_t: Mapping[int, float]
    spot_price_usd_per_kg: float


@dataclass(frozen=True, slots=True)
class Project:
    """A plant or expansion that sponsoring brings forward.

    Sponsored in year t, ``entitlement_t(t, y)`` t/yr of open capacity (both layers) is available in year y:
    ``profile[y - t]`` x ``entitlement_t_per_year``. Money is spent in the decision year; what is left of a
    straight line over ``life_years`` at the end of the horizon is credited. It is under construction in the
    ``build_years`` calendar years from the decision.
    """

    project: str
    facility: str
    name: str
    entitlement_t_per_year: float
    cost_musd: float
    life_years: float
    years: tuple[int, ...]
    profile: tuple[float, ...]
    build_years: int = 0


@dataclass(frozen=True, slots=True)
class Storage:
    """What the buyer may hold at a place: opening, least and largest stock (t), yearly cost (USD/t)."""

    place: str
    product: str
    opening_t: Mapping[OriginClass, float]
    min_t: float
    max_t: float
    carrying_usd_per_t_year: float


@dataclass(frozen=True, slots=True)
class Byproduct:
    """Outlet for owned products nobody needs: sale up to a yearly volume, the rest is disposed of."""

    product: str
    sale_price_usd_per_kg: float
    max_sale_t_per_year: float
    disposal_usd_per_kg: float


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of a shock window: months ``first_month`` .. ``first_month + months`` in calendar year ``year``."""

    period: int
    year: int
    first_month: float
    months: float


@dataclass(frozen=True, slots=True)
class Shock:
    """An event starting in a year: what keeps which share in which period.

    ``facility_share[(facility, period)]`` and ``lane_share[(lane, period, bit)]`` hold only shares below 1; ``bit``
    is 0 for all material, else the origin bit whose marked material is hit. ``probability`` is the share of the
    shock's rate among the shocks of the same start year. Equal neighbouring periods are already merged.
    """

    shock: str
    event: str
    name: str
    start_year: int
    rate_per_year: float
    probability: float
    window_months: float
    periods: tuple[Period, ...]
    facility_share: Mapping[tuple[str, int], float]
    lane_share: Mapping[tuple[str, int, OriginClass], float]
    price_multiple: float
    story: str
    extra_duty_share: Mapping[tuple[str, int], float] = field(default_factory=dict)
    """(lane, period) → duty beyond the plan's, as a share of customs value."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Resilience measure over shock losses.

    ``kind``: ``cvar_by_start_year`` (sum over start years of ``year_weights`` x CVaR given that year), ``cvar``,
    ``worst_case`` or ``expected``. ``alpha`` is the CVaR level.
    """

    kind: Literal["cvar_by_start_year", "cvar", "worst_case", "expected"]
    alpha: float
    year_weights: Mapping[int, float]


@dataclass(frozen=True)
class Instance:
    """All sets and parameters of one case. Mappings are sparse: a missing key means none."""

    case: str
    title: str
    years: tuple[int, ...]
    discount_factor: Mapping[int, float]
    discount_rate_share: float
    stages: tuple[str, ...]
    origin_rules: tuple[str, ...]
    facilities: Mapping[str, Facility]
    products: Mapping[str, Product]
    recipes: Mapping[str, Recipe]
    lanes: Mapping[str, Lane]
    markets: Mapping[str, Market]
    offers: Mapping[str, Offer]
    qualifications: Mapping[str, Qualification]
    projects: Mapping[str, Project]
    storages: Mapping[tuple[str, str], Storage]
    byproducts: Mapping[str, Byproduct]
    shocks: Mapping[str, Shock]
    place_classes: Mapping[tuple[Layer, str, str], tuple[OriginClass, ...]]
    """Origin classes that can occur at (layer, place, product)."""
    upstream_spot_t: Mapping[tuple[str, str, int], float]
    """(facility, product, year) → t/yr a supplier can draw in a shock beyond its normal deliveries."""
    share_caps: tuple[ShareCap, ...] = ()
    supplier_counts: tuple[SupplierCount, ...] = ()
    budgets: tuple[Budget, ...] = ()
    environment_caps: tuple[EnvironmentCap, ...] = ()
    build_limits: tuple[BuildLimit, ...] = ()
    waived_bits: Mapping[tuple[Layer, str, str], OriginClass] = field(default_factory=dict)
    """(layer, facility, product) → marks that feed loses there: content below a threshold, substantial change."""
    public_money: PublicMoney = field(default_factory=PublicMoney)
    licence_time: Literal["ignored", "stock", "delay"] = "ignored"
    limits_intermediates: bool = False
    carbon_price_usd_per_t: float = 0.0
    carbon_indicator: str | None = None
    measure: Measure = field(default_factory=lambda: Measure("cvar_by_start_year", 0.8, {}))
    surge_share: float = 0.15
    is_shortfall_allowed: bool = False
    closes_at_opening: bool = True
    includes_shock_cost: bool = False
    line_stop_usd_per_kg: float = 0.0

    def summary(self) -> dict[str, int]:
        """Count what the instance contains, for ``sourcing check`` and ``run.json``."""
        return {
            "years": len(self.years),
            "facilities": len(self.facilities),
            "products": len(self.products),
            "recipes": len(self.recipes),
            "lanes": len(self.lanes),
            "markets": len(self.markets),
            "offers": len(self.offers),
            "qualifications": len(self.qualifications),
            "projects": len(self.projects),
            "shocks": len(self.shocks),
        }
