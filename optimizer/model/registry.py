"""Every constraint of the model, once: its rule, its index set, and where it belongs.

One name, five places: the function, the model component, the heading in ``docs/formulation.md``, the LP snapshot
and the ``constraint`` column of the prices table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from optimizer.chain.instance import LAYERS, Layer
from optimizer.model import (
    balances,
    capacity,
    contracts,
    coproducts,
    limits,
    policy,
    recourse,
    recourse_calls,
    risk,
    shock_cost,
    standby,
)
from optimizer.model.reach import Branch

Index = Callable[[Any], Iterable[Any]]
RecourseIndex = Callable[[Any, Branch], Iterable[Any]]


@dataclass(frozen=True)
class Rule:
    """A first-stage constraint: ``function(m, *index)`` for every index; ``group`` is its name in a buyer's words."""

    function: Callable[..., Any]
    index: Index
    group: str

    @property
    def name(self) -> str:
        """Name of the constraint, that of its function."""
        return self.function.__name__


@dataclass(frozen=True)
class RecourseRule:
    """A constraint of every shock: ``function(b, m, *index)`` with the block's branch in ``b.branch``."""

    function: Callable[..., Any]
    index: RecourseIndex

    @property
    def name(self) -> str:
        """Name of the constraint, that of its function."""
        return self.function.__name__


def _years(m: Any) -> tuple[int, ...]:
    years: tuple[int, ...] = m.instance.years
    return years


def _market_stores(m: Any) -> list[tuple[str, str, int]]:
    return [key for key in m.sets.stores if key[0] in m.instance.markets]


def _offers_by_layer(m: Any) -> list[tuple[str, str, int]]:
    kinds = {(offer.facility, "supplier" if offer.kind == "sale" else "buyer") for offer in m.instance.offers.values()}
    return [(f, layer, t) for f, layer in sorted(kinds) for t in _years(m)]


FIRST_STAGE: tuple[Rule, ...] = (
    Rule(balances.place_balance, lambda m: [(*k, t) for k in m.sets.balance_places for t in _years(m)], "material"),
    Rule(
        coproducts.joint_limit,
        lambda m: [(*key, t) for key in m.joint_groups for t in _years(m)],
        "material",
    ),
    Rule(coproducts.left_over_limit, coproducts.left_over_index, "material"),
    Rule(balances.market_use_floor, lambda m: [(*k, t) for k in _market_stores(m) for t in _years(m)], "stock"),
    Rule(balances.demand_balance, lambda m: [(d, t) for d in m.instance.markets for t in _years(m)], "demand"),
    Rule(balances.stock_limit, lambda m: [(*k, t) for k in m.instance.storages for t in _years(m)], "stock policy"),
    Rule(balances.stock_floor, lambda m: [(*k, t) for k in m.instance.storages for t in _years(m)], "stock policy"),
    Rule(
        balances.byproduct_sale_limit,
        lambda m: [(p, t) for p in m.instance.byproducts for t in _years(m)],
        "sales of by-products",
    ),
    Rule(
        capacity.capacity_limit,
        lambda m: [(f, layer, t) for f in m.sets.recipes_at for layer in LAYERS for t in _years(m)],
        "open capacity of plants",
    ),
    Rule(
        capacity.entitlement_limit,
        lambda m: [(f, t) for f in m.sets.projects_at for t in _years(m)],
        "sponsored capacity",
    ),
    Rule(standby.standby_limit, lambda m: list(m.standby), "committed volumes"),
    Rule(standby.standby_balance, standby.standby_balance_index, "standby of suppliers"),
    Rule(capacity.commitment_capacity_limit, _offers_by_layer, "open capacity of plants"),
    Rule(contracts.commitment_floor, lambda m: list(m.committed), "minimum orders and running contracts"),
    Rule(contracts.commitment_limit, lambda m: list(m.committed), "largest volumes of offers"),
    Rule(contracts.term_limit, lambda m: list(m.committed), "terms of contracts"),
    Rule(
        contracts.lifting_limit, lambda m: [(o, t) for o in m.instance.offers for t in _years(m)], "committed volumes"
    ),
    Rule(contracts.toll_split, contracts.toll_split_index, "committed volumes"),
    Rule(contracts.take_or_pay_definition, lambda m: list(m.committed), "take-or-pay"),
    Rule(contracts.qualification_link, contracts.qualification_link_index, "qualification of suppliers"),
    Rule(contracts.qualification_progress, lambda m: list(m.is_qualified), "qualification of suppliers"),
    Rule(contracts.sponsorship_limit, lambda m: list(m.instance.projects), "sponsored projects"),
    Rule(contracts.approval_limit, contracts.approval_index, "export licences"),
    Rule(policy.shadow_approval_limit, policy.shadow_approval_index, "export licences"),
    Rule(policy.licence_cover, policy.licence_cover_index, "export licences"),
    Rule(policy.licence_delay, policy.licence_delay_index, "export licences"),
    Rule(policy.activity_ban, policy.activity_ban_index, "environmental rules"),
    Rule(policy.build_limit, policy.build_limit_index, "limits on construction"),
    Rule(limits.origin_share_cap, limits.share_cap_index, "share caps"),
    Rule(limits.usage_link, lambda m: list(m.is_used), "numbers of suppliers"),
    Rule(limits.usage_definition, limits.usage_definition_index, "numbers of suppliers"),
    Rule(limits.supplier_count_floor, limits.supplier_count_index, "numbers of suppliers"),
    Rule(limits.supplier_count_limit, limits.supplier_count_index, "numbers of suppliers"),
    Rule(limits.budget_limit, lambda m: range(len(m.instance.budgets)), "budgets"),
    Rule(limits.environment_limit, lambda m: range(len(m.instance.environment_caps)), "environmental caps"),
    Rule(risk.excess_definition, lambda m: list(m.instance.shocks), "resilience measure"),
    Rule(risk.worst_loss_definition, lambda m: list(m.instance.shocks), "resilience measure"),
)


def _modelled(m: Any, x: Branch, layer: Layer) -> list[str]:
    return [f for f in m.sets.recipes_at if f in x.reached[layer]]


def _feeding(m: Any, x: Branch) -> list[tuple[str, str]]:
    """(facility, product) with shadow lanes into reached plants."""
    inside = x.reached["supplier"]
    lanes = m.instance.lanes.values()
    return sorted({(y.from_place, y.product) for y in lanes if y.layer == "supplier" and y.to_place in inside})


def _contracted(m: Any, x: Branch) -> list[str]:
    return [o for o, offer in m.instance.offers.items() if offer.facility in x.reached["buyer"]]


def _first_tolls(m: Any, x: Branch) -> list[tuple[str]]:
    """The first offer of tolls that share a route at plants whose owned material the block follows."""
    return [(o,) for o in m.sets.first_tolls if m.instance.offers[o].facility in x.reached["buyer"]]


def _backed(m: Any, x: Branch) -> list[tuple[str, str]]:
    """(facility, product) sold by plants whose owned material the block follows, but not their suppliers."""
    outside = x.reached["buyer"] - x.reached["supplier"]
    return [pair for pair in m.sets.sales_of if pair[0] in outside]


def _spots(m: Any, x: Branch) -> list[str]:
    return [q for (f, _), qs in m.sets.spots_of.items() if f in x.reached["buyer"] for q in qs]


def _stores(m: Any, x: Branch) -> list[tuple[str, str, int]]:
    held = [key for key in m.instance.storages if key[0] in m.instance.markets]
    return [(place, p, c) for place, p in held for c in x.classes(m.sets, "buyer", place, p)]


RECOURSE: tuple[RecourseRule, ...] = (
    RecourseRule(recourse.recourse_balance, lambda m, x: _each(recourse.recourse_places(m, x), x)),
    RecourseRule(recourse.recourse_demand, lambda m, x: _each([(d,) for d in m.instance.markets], x)),
    RecourseRule(recourse.recourse_use_floor, lambda m, x: _each(_stores(m, x), x)),
    RecourseRule(recourse.recourse_stock, lambda m, x: _each(m.instance.storages, x)),
    RecourseRule(
        recourse.recourse_capacity,
        lambda m, x: _each([(layer, f) for layer in LAYERS for f in _modelled(m, x, layer)], x),
    ),
    RecourseRule(
        recourse.recourse_delivery,
        lambda m, x: _each(_feeding(m, x), x),
    ),
    RecourseRule(recourse_calls.recourse_contract, lambda m, x: _each([(o,) for o in _contracted(m, x)], x)),
    RecourseRule(recourse_calls.recourse_toll_split, lambda m, x: _each(_first_tolls(m, x), x)),
    RecourseRule(recourse_calls.recourse_spot, lambda m, x: _each([(q,) for q in _spots(m, x)], x)),
    RecourseRule(recourse.recourse_standby, lambda m, x: _each(_backed(m, x), x)),
    RecourseRule(recourse.recourse_pool, lambda _, x: _each([(pool.number,) for pool in x.pools], x)),
    RecourseRule(recourse.recourse_source, lambda _, x: _each(x.sources, x)),
    RecourseRule(recourse.recourse_lane, lambda _, x: list(x.shock.lane_share)),
    RecourseRule(policy.recourse_ban, lambda m, x: _each(policy.recourse_ban_index(m, x), x)),
    RecourseRule(recourse.loss_definition, lambda _, __: [()]),
)

SHOCK_COST: tuple[RecourseRule, ...] = (
    *(rule for rule in RECOURSE if rule.function is not recourse.loss_definition),
    RecourseRule(shock_cost.recourse_take_or_pay, lambda m, x: _each([(o,) for o in m.instance.offers], x)),
    RecourseRule(shock_cost.shock_cost_definition, lambda _, __: [()]),
)
"""Rules of the second copy of a shock's recourse, present where the case counts shock cost in its objective."""


def _each(keys: Iterable[tuple[Any, ...]], x: Branch) -> list[tuple[Any, ...]]:
    """Every key with every period of the shock."""
    return [(*key, period) for key in keys for period in x.shock.periods]
