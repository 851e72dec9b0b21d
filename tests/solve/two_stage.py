"""A two-stage toy: suppliers with fixed cost and capacity, shocks that take shares of capacity, CVaR of the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

ALPHA = 0.5


def two_stage(seed: int = 0, suppliers: int = 5, shocks: int = 6) -> tuple[Any, list[tuple[Any, Any]]]:
    """The model and its recourse blocks; without the blocks the same model is its extensive form."""
    random = np.random.default_rng(seed)
    price = random.uniform(1.0, 3.0, suppliers)
    fixed = random.uniform(1.0, 4.0, suppliers)
    share = random.choice([0.0, 0.3, 1.0], size=(shocks, suppliers), p=[0.3, 0.2, 0.5])
    demand = 10.0
    m = pyo.ConcreteModel()
    m.I, m.S = pyo.RangeSet(0, suppliers - 1), pyo.RangeSet(0, shocks - 1)
    m.is_signed = pyo.Var(m.I, domain=pyo.Binary)
    m.committed = pyo.Var(m.I, bounds=(0, 8))
    m.stock = pyo.Var(bounds=(0, 4))
    m.loss = pyo.Var(m.S, bounds=(0, None))
    m.excess = pyo.Var(m.S, bounds=(0, None))
    m.value_at_risk = pyo.Var(bounds=(0, None))
    m.window = pyo.Constraint(m.I, rule=lambda m, i: m.committed[i] <= 8 * m.is_signed[i])
    m.least = pyo.Constraint(m.I, rule=lambda m, i: m.committed[i] >= 2 * m.is_signed[i])
    m.demand_balance = pyo.Constraint(expr=sum(m.committed[i] for i in m.I) >= demand)
    m.tail = pyo.Constraint(m.S, rule=lambda m, s: m.excess[s] >= m.loss[s] - m.value_at_risk)
    m.cost = pyo.Expression(
        expr=sum(price[i] * m.committed[i] + fixed[i] * m.is_signed[i] for i in m.I) + 0.7 * m.stock
    )
    m.loss_measure = pyo.Expression(expr=m.value_at_risk + sum(m.excess[s] for s in m.S) / shocks / (1 - ALPHA))

    def block(b: Any, s: int) -> None:
        b.flow = pyo.Var(m.I, bounds=(0, None))
        b.drawn = pyo.Var(bounds=(0, None))
        b.shortfall = pyo.Var(bounds=(0, None))
        b.capacity_limit = pyo.Constraint(
            m.I, rule=lambda b, i: b.flow[i] <= float(share[s, i]) * 1.15 * m.committed[i]
        )
        b.stock_limit = pyo.Constraint(expr=b.drawn <= m.stock)
        b.balance = pyo.Constraint(expr=sum(b.flow[i] for i in m.I) + b.drawn + b.shortfall == demand)

    m.shock = pyo.Block(m.S, rule=block)
    m.loss_definition = pyo.Constraint(m.S, rule=lambda m, s: demand * m.loss[s] >= 24 * m.shock[s].shortfall)
    return m, [(m.shock[s], m.loss[s]) for s in m.S]
