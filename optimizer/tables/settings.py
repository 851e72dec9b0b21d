"""What ``case.toml`` may say: frozen, typed, every key with unit, range, default and one sentence.

Tuples stand for TOML arrays. An empty tuple means "no restriction" wherever a key selects (years, events,
facilities). Years are calendar years, shares lie between 0 and 1, units are part of the names.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Year = Annotated[int, Field(strict=True, ge=1950, le=2100)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(strict=True, ge=0, le=1e12, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Flag = Annotated[bool, Field(strict=True)]
Name = Annotated[str, Field(min_length=1)]
WeightYear = Annotated[int, Field(ge=1950, le=2100)]

CostTerm = Literal[
    "purchase",
    "toll",
    "freight",
    "tariff",
    "substitution",
    "qualification",
    "sponsorship",
    "stock",
    "disposal",
    "carbon",
    "restoration",
    "benchmark",
    "byproduct_sales",
    "line_stop",
    "shock_cost",
]


class Section(BaseModel):
    """Base of all sections: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Horizon(Section):
    """Years of the plan; flows of a year are mid-year."""

    first_year: Year = Field(description="First year of the plan.")
    last_year: Year = Field(description="Last year of the plan.")

    @model_validator(mode="after")
    def _is_ordered(self) -> Horizon:
        if self.last_year < self.first_year:
            raise ValueError(f"last_year {self.last_year} lies before first_year {self.first_year}")
        return self

    @property
    def years(self) -> tuple[int, ...]:
        """All years of the plan in order."""
        return tuple(range(self.first_year, self.last_year + 1))


class Finance(Section):
    """Money: everything is real money of one year."""

    discount_rate_share: Share = Field(default=0.07, description="Real discount rate per year.")
    price_deck: Literal["low", "base", "high"] = Field(default="base", description="Price deck the plan is made on.")
    carbon_price_usd_per_t: Amount = Field(default=0.0, description="Price of a tonne of CO2e, USD; 0 leaves it out.")
    money_year: Year | None = Field(
        default=None, description="Money year of the case's figures; empty: that of the tables."
    )


class Candidates(Section):
    """Which facilities may be considered at all."""

    exclude_countries: tuple[Name, ...] = Field(default=(), description="Countries or groups left out.")
    exclude_facilities: tuple[Name, ...] = Field(default=(), description="Facilities left out.")
    include_facilities: tuple[Name, ...] = Field(default=(), description="Only these facilities; empty: all.")
    statuses: tuple[Literal["operating", "ramping", "construction", "planned", "suspended", "cancelled"], ...] = Field(
        default=("operating", "ramping", "construction", "planned"), description="Status a facility must have."
    )
    standards: tuple[Name, ...] = Field(
        default=(), description="Standards of the table standards; facilities that fail one are left out."
    )
    exclude_owned_by: tuple[Name, ...] = Field(
        default=(), description="Countries or groups whose owners may not hold a facility, by the table owners."
    )
    ownership_threshold_share: Share = Field(
        default=0.5, description="Share held by such owners together from which a facility is left out."
    )


class Contracts(Section):
    """When suppliers can be signed and qualified."""

    start_years: tuple[Year, ...] = Field(default=(), description="Years in which contracts may start; empty: all.")
    qualification_years: tuple[Year, ...] = Field(
        default=(), description="Years in which a qualification may come into force; empty: all."
    )
    surge_share: Amount = Field(
        default=0.15, description="What every supplier can deliver above its normal rate in a shock, as a share of it."
    )


class OriginRule(Section):
    """Marks material that passed through one of some countries."""

    rule: Name = Field(description="Name of the rule.")
    countries: tuple[Name, ...] = Field(min_length=1, description="Countries or groups whose facilities mark material.")
    stages: tuple[Name, ...] = Field(default=(), description="Stages at which they mark; empty: all.")
    ownership_threshold_share: Share | None = Field(
        default=None,
        description="Share from which owners in these countries mark a facility elsewhere; empty: only places count.",
    )
    content_threshold_share: Share = Field(
        default=0.0,
        description="Marked inputs below this share of the value of what is made, at reference prices, leave no mark.",
    )
    cleared_stages: tuple[Name, ...] = Field(
        default=(), description="Stages at which feed loses the mark (an exception of the rule); empty: none."
    )
    cleared_countries: tuple[Name, ...] = Field(
        default=(), description="Countries or groups in which those stages clear the mark; empty: all."
    )


class MarketRule(Section):
    """Forbids marked material to a market."""

    market: Name = Field(description="Market, or * for all.")
    forbids: tuple[Name, ...] = Field(min_length=1, description="Origin rules whose material may not be used.")
    from_year: Year | None = Field(default=None, description="First year; empty: the whole horizon.")


class ShareCap(Section):
    """Largest share of a stage's flow from one country, operator or facility."""

    name: Name = Field(description="Name of the limit in reports.")
    stage: Name = Field(description="Stage.")
    country: Name | None = Field(default=None, description="Country or group; * caps every country by itself.")
    operator: Name | None = Field(default=None, description="Operator; * caps every operator by itself.")
    facility: Name | None = Field(default=None, description="Facility; * caps every facility by itself.")
    max_share: Share = Field(description="Largest share of the stage's flow (by mass of valued elements).")
    from_year: Year | None = Field(default=None, description="First year; empty: the whole horizon.")
    exempt_countries: tuple[Name, ...] = Field(
        default=(), description="Countries or groups that are never capped (a bloc's own members); empty: none."
    )
    penalty_usd_per_kg: Amount | None = Field(
        default=None, description="Price of a kilogram above the share (a benchmark); empty: the cap is strict."
    )

    @model_validator(mode="after")
    def _has_one_subject(self) -> ShareCap:
        given = [name for name in ("country", "operator", "facility") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of country, operator, facility (given: {', '.join(given) or 'none'})")
        return self


class SupplierCount(Section):
    """Least and largest number of suppliers with a contract at a stage."""

    name: Name = Field(description="Name of the limit in reports.")
    stage: Name = Field(description="Stage.")
    min: Count | None = Field(default=None, description="Least number of suppliers; empty: no limit.")
    max: Count | None = Field(default=None, description="Largest number of suppliers; empty: no limit.")
    from_year: Year | None = Field(default=None, description="First year; empty: the whole horizon.")

    @model_validator(mode="after")
    def _is_ordered(self) -> SupplierCount:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class Budget(Section):
    """Most that may be spent on some cost terms in some years together."""

    name: Name = Field(description="Name of the limit in reports.")
    terms: tuple[CostTerm, ...] = Field(default=(), description="Cost terms that count; empty: all.")
    years: tuple[Year, ...] = Field(default=(), description="Years that count; empty: all.")
    max_musd: Amount = Field(description="Most that may be spent, million USD, real and undiscounted.")


class EnvironmentLimit(Section):
    """Largest environmental load of some facilities."""

    name: Name = Field(description="Name of the limit in reports.")
    indicator: Name = Field(description="Indicator as in the footprints table.")
    max_value: Amount = Field(
        description="Largest load over all these years together, in the indicator's unit (per kilogram where per_kg)."
    )
    per_kg: Flag = Field(default=False, description="Whether the limit is per kilogram of demand met in these years.")
    from_year: Year | None = Field(default=None, description="First year; empty: from the start.")
    to_year: Year | None = Field(default=None, description="Last year; empty: to the end.")
    facilities: tuple[Name, ...] = Field(default=(), description="Facilities that count; empty: all.")
    countries: tuple[Name, ...] = Field(default=(), description="Countries or groups that count; empty: all.")


class BuildLimit(Section):
    """Most projects that may be under construction in a region in one year."""

    name: Name = Field(description="Name of the limit in reports.")
    countries: tuple[Name, ...] = Field(default=(), description="Countries or groups of the region; empty: all.")
    max_projects: Count = Field(description="Most sponsored projects under construction at the same time.")


class Limits(Section):
    """Limits on the portfolio."""

    share_cap: tuple[ShareCap, ...] = Field(default=(), description="Share caps.")
    supplier_count: tuple[SupplierCount, ...] = Field(default=(), description="Numbers of suppliers.")
    budget: tuple[Budget, ...] = Field(default=(), description="Budgets.")
    environment: tuple[EnvironmentLimit, ...] = Field(default=(), description="Environmental limits.")
    builds: tuple[BuildLimit, ...] = Field(default=(), description="Limits on simultaneous construction.")


class ScheduledRegime(Section):
    """Changes the regime of the plan at a date known today."""

    from_year: Year = Field(description="First year under the regime, until the next entry.")
    regime: Name = Field(description="Regime from then on, of the table regimes.")


class Policy(Section):
    """Which regime of controls and duties holds, and how far its rules are followed."""

    regime: Name | None = Field(
        default=None, description="Regime of the plan, of the table regimes; empty: the one marked as default there."
    )
    schedule: tuple[ScheduledRegime, ...] = Field(
        default=(), description="Regimes of the plan from later years on; empty: one regime throughout."
    )
    shock_regimes: tuple[Name, ...] = Field(
        default=(), description="Regimes that a shock may bring; each becomes an event by what it closes."
    )
    licence_time: Literal["ignored", "stock", "delay"] = Field(
        default="ignored", description="Whether the time to a licence is covered by stock or delays new volume."
    )
    limits_intermediates: Flag = Field(
        default=False, description="Whether partial approvals also limit owned goods on the way to plants."
    )
    reexport: Literal["ignored", "transshipment", "content"] = Field(
        default="ignored",
        description="Whether an exporter's refusals follow its goods, or its content, through others.",
    )
    technology_controls: Flag = Field(
        default=False, description="Whether projects wait for licensed technology, equipment and joint ventures."
    )
    subsidies: tuple[Name, ...] = Field(
        default=(), description="Programmes of the table subsidy_terms that are paid; empty: none beyond the prices."
    )
    yield_learning: Flag = Field(
        default=False, description="Whether new plants start below the mature yield, by the table yield_learning."
    )


class Environment(Section):
    """Which environmental rules of the tables bind."""

    rules: tuple[Name, ...] = Field(
        default=(), description="Rules of the table activity_rules that close activities or feeds; empty: none."
    )
    restoration: Flag = Field(
        default=False, description="Whether the cost of restoring land, of the table restoration_costs, is counted."
    )


class Freight(Section):
    """How things are shipped."""

    air: Flag = Field(default=False, description="Whether products that may fly also have air lanes.")
    avoid_passages: tuple[Name, ...] = Field(default=(), description="Straits and canals that no sea route may use.")


class Stock(Section):
    """Rules for the buyer's stock."""

    closes_at_opening: Flag = Field(
        default=True, description="Whether stock at the end must be at least that at the start."
    )


class Shocks(Section):
    """Which shocks the plan is built against."""

    window_months: Annotated[float, Field(strict=True, gt=0, le=120)] = Field(
        default=24.0, description="Window over which losses are counted, months."
    )
    start_years: tuple[Year, ...] = Field(default=(), description="Years in which shocks may start; empty: all.")
    events: tuple[Name, ...] = Field(default=(), description="Events; empty: all of the events table.")
    sample_count: Count = Field(
        default=0, description="Shocks drawn from the table hazards; 0: only the events written by hand."
    )
    keep_count: Count = Field(default=100, description="Sampled shocks kept, over all start years; 0: all that differ.")
    seed: Count = Field(default=0, description="Seed of the draws.")
    hand_written_share: Share = Field(
        default=0.5,
        description="Weight of the rates of the events written by hand beside sampled shocks; 0: sampled shocks alone.",
    )


class Measure(Section):
    """Resilience measure over the losses of the shocks."""

    kind: Literal["cvar_by_start_year", "cvar", "worst_case", "expected"] = Field(
        default="cvar_by_start_year", description="How losses are put into one number."
    )
    alpha: Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)] = Field(
        default=0.8, description="Level of the conditional value at risk."
    )
    year_weights: dict[WeightYear, Amount] = Field(
        default_factory=dict, description="Weight of each start year; empty: equal."
    )


class Shortfall(Section):
    """Whether and at what price demand may stay unmet without a shock."""

    is_allowed: Flag = Field(default=False, description="Whether demand may stay unmet in normal operation.")
    line_stop_usd_per_kg: Amount = Field(default=1000.0, description="Cost of a kilogram of demand not met, USD.")
    includes_shock_cost: Flag = Field(
        default=False, description="Whether the expected extra cost of shocks is part of cost."
    )


class Frontier(Section):
    """How finely and how long the frontier is traced."""

    points: Annotated[int, Field(strict=True, ge=2, le=1000)] = Field(default=8, description="Points aimed at.")
    tolerance_share: Share = Field(default=0.01, description="Mean gap of the frontier at which tracing stops.")
    gap_share: Share = Field(default=0.01, description="Largest relative gap of one point.")
    time_limit_s: Annotated[float, Field(strict=True, gt=0, le=1e7)] = Field(
        default=600.0, description="Time for the whole frontier, seconds."
    )


RemovedKey = str | int | tuple[str | int, ...]


class Tables(Section):
    """Rows of the shared tables that the case takes out."""

    remove: dict[str, tuple[RemovedKey, ...]] = Field(
        default_factory=dict,
        description="Keys of removed rows by table; the parts of a longer key as a list or joined by |.",
    )


class CaseSettings(Section):
    """The whole of ``case.toml``."""

    title: Name = Field(description="Title of the case on reports.")
    question: str = Field(default="", description="The question the case asks, in a sentence.")
    base: Literal["shared", "none"] = Field(
        default="shared", description="shared: stands on the shared tables; none: brings all tables itself."
    )
    stages: tuple[Name, ...] = Field(
        default=(), description="Order of the stages; empty: as they first appear in routes."
    )
    horizon: Horizon = Field(description="Years of the plan.")
    finance: Finance = Field(default_factory=Finance, description="Money.")
    candidates: Candidates = Field(default_factory=Candidates, description="Which facilities are considered.")
    contracts: Contracts = Field(default_factory=Contracts, description="Contracts and qualification.")
    origin_rules: tuple[OriginRule, ...] = Field(default=(), description="Rules that mark material by origin.")
    market_rules: tuple[MarketRule, ...] = Field(default=(), description="Markets that refuse marked material.")
    limits: Limits = Field(default_factory=Limits, description="Limits on the portfolio.")
    policy: Policy = Field(default_factory=Policy, description="Regime and rules of states.")
    environment: Environment = Field(default_factory=Environment, description="Environmental rules.")
    freight: Freight = Field(default_factory=Freight, description="Shipping.")
    stock: Stock = Field(default_factory=Stock, description="Stock.")
    shocks: Shocks = Field(default_factory=Shocks, description="Shocks the plan is built against.")
    measure: Measure = Field(default_factory=Measure, description="Resilience measure.")
    shortfall: Shortfall = Field(default_factory=Shortfall, description="Unmet demand.")
    frontier: Frontier = Field(default_factory=Frontier, description="Frontier.")
    tables: Tables = Field(default_factory=Tables, description="Rows taken out of the shared tables.")
