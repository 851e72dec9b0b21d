"""Resilience measure over shock losses, in months of demand lost."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.chain.instance import Instance
from optimizer.model.compare import no_less
from optimizer.model.expressions import Terms, linear


def year_weights(instance: Instance) -> dict[int, float]:
    """Weight of each start year in the measure, summing to 1; equal where the case says nothing."""
    starts = sorted({shock.start_year for shock in instance.shocks.values()})
    given = {t: instance.measure.year_weights.get(t, 0.0) for t in starts}
    total = sum(given.values())
    if total <= 0:
        return {t: 1.0 / len(starts) for t in starts}
    return {t: weight / total for t, weight in given.items()}


def overall_probability(instance: Instance) -> dict[str, float]:
    """Probability of each shock over all start years: its rate over the sum of all rates."""
    total = sum(shock.rate_per_year for shock in instance.shocks.values())
    if total <= 0:
        return {s: 1.0 / len(instance.shocks) for s in instance.shocks}
    return {s: shock.rate_per_year / total for s, shock in instance.shocks.items()}


def excess_definition(m: pyo.ConcreteModel, s: str) -> Any:
    r"""The part of a loss beyond the value at risk of its start year.

    .. math:: \xi_s \ge L_s - \eta_{t(s)} \qquad \forall\ s

    (one common :math:`\eta` where the measure does not tell start years apart). Unit: months. Dual: weight of the shock
    in the tail. Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, J. Risk 2 (2000).
    """
    kind = m.instance.measure.kind
    if kind in ("expected", "worst_case"):
        return pyo.Constraint.Skip
    starts = sorted(m.value_at_risk)
    level = m.instance.shocks[s].start_year if kind == "cvar_by_start_year" else starts[0]
    return no_less([(1.0, m.excess[s]), (-1.0, m.loss[s]), (1.0, m.value_at_risk[level])], 0.0)


def worst_loss_definition(m: pyo.ConcreteModel, s: str) -> Any:
    r"""The worst loss is at least every shock's loss.

    .. math:: L^{max} \ge L_s \qquad \forall\ s

    Unit: months. Dual: share of the shock in the worst case.
    """
    if m.instance.measure.kind != "worst_case":
        return pyo.Constraint.Skip
    return no_less([(1.0, m.worst_loss), (-1.0, m.loss[s])], 0.0)


def loss_measure(m: pyo.ConcreteModel) -> Any:
    r"""The second objective.

    .. math:: R = \sum_t w_t \Big(\eta_t + \frac{1}{1-\alpha} \sum_{s: t(s)=t} p_s \xi_s\Big)

    for CVaR by start year; the same with one :math:`\eta` for plain CVaR; the largest loss; or the mean. Unit: months.
    """
    instance: Instance = m.instance
    if not instance.shocks:
        return linear([(0.0, m.worst_loss)])
    kind = instance.measure.kind
    if kind == "worst_case":
        return linear([(1.0, m.worst_loss)])
    if kind == "expected":
        return linear([(p, m.loss[s]) for s, p in overall_probability(instance).items()])
    tail = 1.0 / (1.0 - instance.measure.alpha)
    terms: Terms = []
    if kind == "cvar":
        terms.append((1.0, m.value_at_risk[sorted(m.value_at_risk)[0]]))
        terms.extend((tail * p, m.excess[s]) for s, p in overall_probability(instance).items())
        return linear(terms)
    weights = year_weights(instance)
    terms.extend((weight, m.value_at_risk[t]) for t, weight in weights.items())
    for s, shock in instance.shocks.items():
        terms.append((weights[shock.start_year] * tail * shock.probability, m.excess[s]))
    return linear(terms)
