"""The variables, rows and objectives of a linear Pyomo model as plain terms, and what cannot be read as such.

The model is read, never altered: no component is added, deactivated or fixed, and objectives may be inactive.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pyomo.common.enums import ObjectiveSense
from pyomo.core.base import Constraint, Expression, Objective, Var
from pyomo.core.expr.numeric_expr import LinearExpression, MonomialTermExpression
from pyomo.core.expr.numvalue import value
from pyomo.repn.linear import LinearRepnVisitor
from scipy import sparse

from optimizer.errors import DataProblem, Problem
from optimizer.solve.compiled import Flags, Floats

Key = tuple[str, tuple[object, ...]]
_NOT_LINEAR = frozenset({"SOSConstraint", "LogicalConstraint", "Disjunction", "Complementarity"})


@dataclass
class Columns:
    """Variables in the model's own order, and their arrays."""

    variables: list[Any] = field(default_factory=list)
    position: dict[int, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    @classmethod
    def of(cls, model: Any) -> Columns:
        """All variables of a model's active blocks."""
        columns = cls()
        for component in model.component_objects(Var, active=True, descend_into=True):
            for data, name, key in members(component):
                columns.add(data, name, key)
        return columns

    def add(self, data: Any, name: str, key: Key) -> int:
        """Take in a variable; returns its position."""
        self.position[id(data)] = len(self.variables)
        self.variables.append(data)
        self.names.append(name)
        self.keys.append(key)
        return len(self.variables) - 1

    def bounds(self, problems: list[Problem]) -> tuple[Floats, Floats, Flags]:
        """Lower and upper bounds, and which are integer; domains that are neither real nor integer are problems."""
        size = len(self.variables)
        lower, upper, is_integer = np.full(size, -np.inf), np.full(size, np.inf), np.zeros(size, dtype=np.bool_)
        for j, data in enumerate(self.variables):
            is_integer[j] = not data.is_continuous()
            if is_integer[j] and not data.is_integer():
                problems.append(told("domain", self.names[j], str(data.domain), "real or integer", "change its domain"))
            if data.fixed:
                lower[j] = upper[j] = value(data)
                continue
            low, high = data.bounds
            if low is not None:
                lower[j] = low
            if high is not None:
                upper[j] = high
        return lower, upper, is_integer


@dataclass
class Rows:
    """Rows being collected in compressed form."""

    starts: array[int] = field(default_factory=lambda: array("q", [0]))
    indices: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    lower: array[float] = field(default_factory=lambda: array("d"))
    upper: array[float] = field(default_factory=lambda: array("d"))
    names: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    def matrix(self, width: int) -> sparse.csr_matrix:
        """Coefficients over so many columns, those of a variable in several terms of a row added up."""
        shape = (len(self.lower), width)
        parts = (
            np.frombuffer(self.values, dtype=np.float64) if self.values else np.zeros(0),
            np.frombuffer(self.indices, dtype=np.int64) if self.indices else np.zeros(0, dtype=np.int64),
            np.frombuffer(self.starts, dtype=np.int64),
        )
        matrix = sparse.csr_matrix(parts, shape=shape)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix


class Reader:
    """Walks expressions and collects what cannot be compiled."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.visitor = LinearRepnVisitor({})
        self.problems: list[Problem] = []

    def objective(self, name: str, component: Any) -> tuple[dict[int, float], float, int]:
        """Coefficients by column, constant, and sign (-1 where the model maximises)."""
        sign = 1
        expression = component
        ctype = getattr(component, "ctype", None)
        if ctype in (Objective, Expression):
            if component.is_indexed():
                self.problems.append(
                    told("objective", name, "an indexed component", "one expression", "name one of its members")
                )
                return {}, 0.0, 1
            expression = component.expr
            if ctype is Objective and component.sense == ObjectiveSense.maximize:
                sign = -1
        terms, constant = self._linear(expression, name)
        return {j: sign * coefficient for j, coefficient in terms}, sign * constant, sign

    def rows(self, model: Any) -> Rows:
        """The active constraints, without those that neither bound anything nor hold a variable."""
        rows = Rows()
        for component in model.component_objects(active=True, descend_into=True):
            if component.ctype.__name__ in _NOT_LINEAR and len(component):
                found = f"a {component.ctype.__name__}"
                self.problems.append(told("nonlinear", str(component.name), found, "linear rows", "write it as such"))
        for component in model.component_objects(Constraint, active=True, descend_into=True):
            for data, name, key in members(component):
                if data.active:
                    self._row(data, name, key, rows)
        return rows

    def _row(self, data: Any, name: str, key: Key, rows: Rows) -> None:
        low, body, high = data.to_bounded_expression()
        terms, constant = self._plain(body) or self._linear(body, name)
        bottom = -math.inf if low is None else value(low) - constant
        top = math.inf if high is None else value(high) - constant
        if bottom == -math.inf and top == math.inf:
            return
        count = 0
        for j, coefficient in terms:
            rows.indices.append(j)
            rows.values.append(coefficient)
            count += 1
        if not count and bottom <= 0.0 <= top:
            return
        rows.starts.append(rows.starts[-1] + count)
        rows.lower.append(bottom)
        rows.upper.append(top)
        rows.names.append(name)
        rows.keys.append(key)

    def _plain(self, expression: Any) -> tuple[list[tuple[int, float]], float] | None:
        """Terms of a linear expression of plain numbers and known variables, without walking it; else None.

        A variable may stand in several terms; rows add them up.
        """
        if expression.__class__ is not LinearExpression:
            return None
        position, constant = self.columns.position, 0.0
        terms: list[tuple[int, float]] = []
        for part in expression.args:
            if part.__class__ is MonomialTermExpression:
                coefficient, variable = part.args
                column = position.get(id(variable))
                if column is None or coefficient.__class__ is not float or not math.isfinite(coefficient):
                    return None
                terms.append((column, coefficient))
            elif part.__class__ is float:
                constant += part
            else:
                return None
        return (terms, constant) if terms and math.isfinite(constant) else None

    def _linear(self, expression: Any, name: str) -> tuple[list[tuple[int, float]], float]:
        repn = self.visitor.walk_expression(expression)
        if repn.nonlinear is not None:
            self.problems.append(told("nonlinear", name, "a nonlinear term", "linear", "write it as linear rows"))
            return [], 0.0
        constant = float(value(repn.constant))
        if not math.isfinite(constant) or not all(map(math.isfinite, repn.linear.values())):
            self.problems.append(told("number", name, "a coefficient that is not finite", "finite", "mend its data"))
            return [], 0.0
        position = self.columns.position
        try:
            return [(position[identity], coefficient) for identity, coefficient in repn.linear.items()], constant
        except KeyError:
            return [(self._column(identity), c) for identity, c in repn.linear.items()], constant

    def _column(self, identity: int) -> int:
        """Position of a variable; one that lives outside the model's active blocks joins at the end."""
        if identity in self.columns.position:
            return self.columns.position[identity]
        data = self.visitor.var_map[identity]
        component = data.parent_component()
        return self.columns.add(data, str(data.name), (component.local_name, _as_tuple(data.index())))

    def raise_problems(self) -> None:
        """Raise what could not be compiled.

        Raises:
            DataProblem: if anything could not.
        """
        if self.problems:
            raise DataProblem(self.problems)


def members(component: Any) -> Iterator[tuple[Any, str, Key]]:
    """Each data object of a component, its name ``component[index]`` and its key."""
    name, local = str(component.name), str(component.local_name)
    if not component.is_indexed():
        for data in component.values():
            yield data, name, (local, ())
        return
    for index, data in component.items():
        key = _as_tuple(index)
        yield data, f"{name}[{','.join(map(str, key))}]", (local, key)


def _as_tuple(index: object) -> tuple[object, ...]:
    if index is None:
        return ()
    return index if isinstance(index, tuple) else (index,)


def told(code: str, name: str, found: str, allowed: str, remedy: str) -> Problem:
    """A problem of the model, at one of its components."""
    return Problem(f"model.{code}", "model", name, "", found, allowed, remedy)
