"""Build the Pyomo model of an instance: variables, rules of the registry, both objectives, one block per shock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from optimizer.chain.instance import Instance, Period
from optimizer.model.compare import contradiction
from optimizer.model.continued import Continuation, continued, yearly_plan
from optimizer.model.coproducts import joint_groups
from optimizer.model.nested import worse_shocks
from optimizer.model.objective import cost_entries, present_value, spending_by_term, ties
from optimizer.model.reach import Branch, branch_of
from optimizer.model.recourse import add_recourse_variables
from optimizer.model.registry import FIRST_STAGE, RECOURSE, SHOCK_COST, RecourseRule, Rule
from optimizer.model.risk import loss_measure
from optimizer.model.sets import build_sets
from optimizer.model.shock_cost import add_idle_variables
from optimizer.model.standby import add_standby_variables
from optimizer.model.variables import add_contract_variables, add_operation_variables, add_risk_variables


def build_model(instance: Instance, has_shocks: bool = True) -> pyo.ConcreteModel:
    """Write the whole model: the nominal plan and, per shock, a recourse block.

    Args:
        instance: sets and parameters.
        has_shocks: leave the recourse blocks out where only the nominal plan is wanted (its losses are then free).

    Returns:
        A model with expressions ``cost`` (MUSD, present value) and ``loss_measure`` (months), both minimised,
        blocks ``shock[s]`` and first-stage losses ``loss[s]``. No objective is active: ``cost_objective`` and
        ``loss_objective`` are declared and deactivated, so that any Pyomo solver can be given either.

    Raises:
        Infeasible: a limit that no decision could ever meet.
    """
    with PauseGC():
        return _written(instance, has_shocks)


def _written(instance: Instance, has_shocks: bool) -> pyo.ConcreteModel:
    m = _with_variables(instance)
    m.cost_entries = cost_entries(m)
    m.cost_terms = spending_by_term(m.cost_entries)
    for rule in FIRST_STAGE:
        _attach(m, rule)
    m.cost = pyo.Expression(expr=present_value(m.cost_entries), doc="MUSD, present value")
    m.ties = pyo.Expression(expr=ties(m), doc="what decides between plans of equal cost and loss; no cost of the buyer")
    m.loss_measure = pyo.Expression(expr=loss_measure(m), doc="months of demand lost")
    m.cost_objective = pyo.Objective(expr=m.cost)
    m.loss_objective = pyo.Objective(expr=m.loss_measure)
    m.cost_objective.deactivate()
    m.loss_objective.deactivate()
    if has_shocks and instance.shocks:
        m.shock = pyo.Block(list(instance.shocks), rule=_shock_block)
        if instance.includes_shock_cost:
            m.costed_shock = pyo.Block(list(instance.shocks), rule=_costed_block)
    return m


def build_recourse(instance: Instance, branches: Mapping[str, Branch]) -> pyo.ConcreteModel:
    """Write the recourse blocks of an instance alone, for plans that are fixed: no limits of the plan, no objectives.

    Args:
        instance: sets and parameters; may hold only what the plans can use.
        branches: shock → what its block models, as worked out on the whole network.

    Returns:
        A model with the plan's variables and blocks ``shock[s]``, as ``build_model`` writes them.
    """
    with PauseGC():
        m = _with_variables(instance)
        m.shock = pyo.Block(list(instance.shocks), rule=lambda b, s: _fill_block(b, branches[s], RECOURSE))
    return m


def _with_variables(instance: Instance) -> pyo.ConcreteModel:
    m = pyo.ConcreteModel(name=instance.case)
    m.instance = instance
    m.sets = build_sets(instance)
    add_contract_variables(m)
    add_operation_variables(m)
    add_standby_variables(m)
    add_risk_variables(m)
    m.joint_groups = joint_groups(m.sets)
    m.yearly_plan = yearly_plan(m)
    return m


def recourse_blocks(m: pyo.ConcreteModel) -> list[tuple[Any, Any]]:
    """(block, first-stage variable it bounds from below) of every subproblem of the model."""
    blocks = [(m.shock[s], m.loss[s]) for s in m.shock] if hasattr(m, "shock") else []
    if hasattr(m, "costed_shock"):
        blocks += [(m.costed_shock[s], m.shock_cost[s]) for s in m.costed_shock]
    return blocks


def continuations(m: pyo.ConcreteModel) -> list[Iterable[Continuation]]:
    """Per subproblem of ``recourse_blocks``, what its columns are when the plan goes on; nothing known of costs."""
    blocks = recourse_blocks(m)
    losses = len(m.shock) if hasattr(m, "shock") else 0
    return [continued(block, m) if number < losses else () for number, (block, _) in enumerate(blocks)]


def worse_blocks(m: pyo.ConcreteModel) -> list[tuple[int, ...]]:
    """Per subproblem of ``recourse_blocks``, numbers of those that lose at least as much; nothing known of costs."""
    numbers = {s: number for number, s in enumerate(m.shock)} if hasattr(m, "shock") else {}
    worse = worse_shocks({s: m.shock[s].branch for s in numbers})
    known = [tuple(numbers[other] for other in worse[s]) for s in numbers]
    return known + [()] * (len(recourse_blocks(m)) - len(known))


def _shock_block(b: Any, s: str) -> None:
    m = b.model()
    _fill_block(b, branch_of(m.instance, m.sets, m.instance.shocks[s]), RECOURSE)


def _costed_block(b: Any, s: str) -> None:
    m = b.model()
    branch = branch_of(m.instance, m.sets, m.instance.shocks[s], is_whole=True)
    add_idle_variables(b, m, branch)
    _fill_block(b, branch, SHOCK_COST)


def _fill_block(b: Any, branch: Branch, rules: tuple[RecourseRule, ...]) -> None:
    m = b.model()
    add_recourse_variables(b, m, branch)
    for rule in rules:
        rows = ((index, rule.function(b, m, *_tuple(index))) for index in rule.index(m, branch))
        _add_rows(b, rule.name, rows)


def _attach(m: pyo.ConcreteModel, rule: Rule) -> None:
    _add_rows(m, rule.name, ((index, rule.function(m, *_tuple(index))) for index in rule.index(m)))


def _tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _label(index: Any) -> Any:
    """Flat index of a recourse row: periods by their number."""
    flat: list[Any] = []
    for part in _tuple(index):
        if isinstance(part, Period):
            flat.append(part.period)
        elif isinstance(part, tuple):
            flat.extend(part)
        else:
            flat.append(part)
    return tuple(flat) if len(flat) != 1 else flat[0]


def _add_rows(owner: Any, name: str, rows: Iterable[tuple[Any, Any]]) -> None:
    """Attach a constraint with only the rows that say something; refuses one that cannot hold."""
    kept: dict[Any, Any] = {}
    for index, row in rows:
        if row is pyo.Constraint.Skip:
            continue
        if row is pyo.Constraint.Infeasible:
            raise contradiction(name, _label(index))
        kept[_label(index)] = row
    if kept == {}:
        return
    if list(kept) == [()]:
        owner.add_component(name, pyo.Constraint(expr=kept[()]))
        return
    owner.add_component(name, pyo.Constraint(list(kept), rule=lambda _, *index: kept[_key(index)]))


def _key(index: tuple[Any, ...]) -> Any:
    return index if len(index) != 1 else index[0]
