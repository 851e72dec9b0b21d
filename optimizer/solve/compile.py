"""From a Pyomo model to arrays, once: every later solve changes bounds, costs and right-hand sides only.

The model is read, never altered: no component is added, deactivated or fixed, and objectives may be inactive.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pyomo.common.enums import ObjectiveSense
from pyomo.common.gc_manager import PauseGC
from pyomo.core.base import Constraint, Expression, Objective, Var
from pyomo.core.expr.numeric_expr import LinearExpression, MonomialTermExpression
from pyomo.core.expr.numvalue import value
from pyomo.repn.linear import LinearRepnVisitor
from scipy import sparse

from optimizer.errors import DataProblem, Problem
from optimizer.solve.compiled import Affine, CompiledProgram, Floats, Integers, RecourseBlock

Key = tuple[str, tuple[object, ...]]
Continued = tuple[Any, Sequence[tuple[float, Any]], float]
"""A block's variable, and the linear form over first-stage variables, with its constant, that it would be."""
_NOT_LINEAR = frozenset({"SOSConstraint", "LogicalConstraint", "Disjunction", "Complementarity"})


def compile_model(
    model: Any,
    objectives: Mapping[str, Any],
    blocks: Sequence[tuple[Any, Any]] = (),
    continued: Sequence[Iterable[Continued]] = (),
) -> CompiledProgram:
    """Compile a linear Pyomo model.

    Args:
        model: a ConcreteModel or Block; only its active constraints count.
        objectives: name → Objective (either sense, active or not), named Expression or linear expression; an
            expression is minimised.
        blocks: per recourse block, the Pyomo block and its ``theta`` variable (a first-stage variable the block
            bounds from below). Every row that touches a variable of a block belongs to that block.
        continued: per recourse block, what its variables are if nothing had happened; empty where that is not known.

    Raises:
        DataProblem: if something is not linear, a domain is neither continuous nor integer, or a row couples two
            blocks (all such places are listed).
    """
    with PauseGC():
        columns = _Columns.of(model)
        reader = _Reader(columns)
        costs = {name: reader.objective(name, component) for name, component in objectives.items()}
        rows = reader.rows(model)
        owner = _owners(columns, blocks)
        reader.raise_problems()
        return _partition(_Compiled(columns, rows, costs), owner, blocks, continued)


@dataclass
class _Columns:
    """Variables in the model's own order, and their arrays."""

    variables: list[Any] = field(default_factory=list)
    position: dict[int, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    @classmethod
    def of(cls, model: Any) -> _Columns:
        columns = cls()
        for component in model.component_objects(Var, active=True, descend_into=True):
            for data, name, key in members(component):
                columns.add(data, name, key)
        return columns

    def add(self, data: Any, name: str, key: Key) -> int:
        self.position[id(data)] = len(self.variables)
        self.variables.append(data)
        self.names.append(name)
        self.keys.append(key)
        return len(self.variables) - 1

    def bounds(self, problems: list[Problem]) -> tuple[Floats, Floats, np.ndarray[Any, Any]]:
        size = len(self.variables)
        lower, upper, is_integer = np.full(size, -np.inf), np.full(size, np.inf), np.zeros(size, dtype=np.bool_)
        for j, data in enumerate(self.variables):
            is_integer[j] = not data.is_continuous()
            if is_integer[j] and not data.is_integer():
                problems.append(
                    _told("domain", self.names[j], str(data.domain), "real or integer", "change its domain")
                )
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
class _Rows:
    """Rows being collected in compressed form."""

    starts: array[int] = field(default_factory=lambda: array("q", [0]))
    indices: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    lower: array[float] = field(default_factory=lambda: array("d"))
    upper: array[float] = field(default_factory=lambda: array("d"))
    names: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    def matrix(self, width: int) -> Any:
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


@dataclass(frozen=True)
class _Compiled:
    columns: _Columns
    rows: _Rows
    costs: Mapping[str, tuple[dict[int, float], float, int]]


class _Reader:
    """Walks expressions and collects what cannot be compiled."""

    def __init__(self, columns: _Columns) -> None:
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
                    _told("objective", name, "an indexed component", "one expression", "name one of its members")
                )
                return {}, 0.0, 1
            expression = component.expr
            if ctype is Objective and component.sense == ObjectiveSense.maximize:
                sign = -1
        terms, constant = self._linear(expression, name)
        return {j: sign * coefficient for j, coefficient in terms}, sign * constant, sign

    def rows(self, model: Any) -> _Rows:
        rows = _Rows()
        for component in model.component_objects(active=True, descend_into=True):
            if component.ctype.__name__ in _NOT_LINEAR and len(component):
                found = f"a {component.ctype.__name__}"
                self.problems.append(_told("nonlinear", str(component.name), found, "linear rows", "write it as such"))
        for component in model.component_objects(Constraint, active=True, descend_into=True):
            for data, name, key in members(component):
                if data.active:
                    self._row(data, name, key, rows)
        return rows

    def _row(self, data: Any, name: str, key: Key, rows: _Rows) -> None:
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
            self.problems.append(_told("nonlinear", name, "a nonlinear term", "linear", "write it as linear rows"))
            return [], 0.0
        constant = float(value(repn.constant))
        if not math.isfinite(constant) or not all(map(math.isfinite, repn.linear.values())):
            self.problems.append(_told("number", name, "a coefficient that is not finite", "finite", "mend its data"))
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


def _owners(columns: _Columns, blocks: Sequence[tuple[Any, Any]]) -> Integers:
    """Block number per column, -1 for the first stage."""
    inside: dict[int, int] = {}
    for number, (block, _) in enumerate(blocks):
        for data in block.component_data_objects(Var, descend_into=True):
            inside[id(data)] = number
    owner = [inside.get(id(data), -1) for data in columns.variables]
    return np.array(owner, dtype=np.int64)


def _row_owners(matrix: Any, owner: Integers, names: Sequence[str]) -> Integers:
    """Block number per row, -1 for the first stage.

    Raises:
        DataProblem: if a row touches two blocks.
    """
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    found = owner[matrix.indices]
    inside = found >= 0
    highest = np.full(matrix.shape[0], -1, dtype=np.int64)
    lowest = np.full(matrix.shape[0], np.iinfo(np.int64).max, dtype=np.int64)
    np.maximum.at(highest, rows[inside], found[inside])
    np.minimum.at(lowest, rows[inside], found[inside])
    mixed = np.flatnonzero((highest >= 0) & (lowest != highest))
    if mixed.size:
        remedy = "let the blocks meet in first-stage columns only"
        raise DataProblem(_told("coupled", names[int(i)], "two blocks", "rows of one block", remedy) for i in mixed)
    return highest


def _told(code: str, name: str, found: str, allowed: str, remedy: str) -> Problem:
    """A problem of the model, at one of its components."""
    return Problem(f"model.{code}", "model", name, "", found, allowed, remedy)


def _partition(
    compiled: _Compiled, owner: Integers, blocks: Sequence[tuple[Any, Any]], continued: Sequence[Iterable[Continued]]
) -> CompiledProgram:
    columns, rows = compiled.columns, compiled.rows
    problems: list[Problem] = []
    lower, upper, is_integer = columns.bounds(problems)
    stage = np.flatnonzero(owner < 0)
    if np.any(is_integer & (owner >= 0)):
        remedy = "relax it, or move it to the first stage"
        problems.append(_told("recourse", "", "an integer variable in a recourse block", "real variables", remedy))
    objectives = {
        name: (_dense(terms, len(columns.names)), constant) for name, (terms, constant, _) in compiled.costs.items()
    }
    for name, (vector, _) in objectives.items():
        if np.any(vector[owner >= 0]):
            remedy = "let blocks speak through their theta"
            problems.append(_told("objective", name, "a variable of a recourse block", "first-stage columns", remedy))
    if problems:
        raise DataProblem(problems)
    matrix = rows.matrix(len(columns.names))
    row_owner = _row_owners(matrix, owner, rows.names)
    cut = _Cut(columns, rows, matrix, np.array(rows.lower), np.array(rows.upper), lower, upper)
    own = np.flatnonzero(row_owner < 0)
    row_order = np.argsort(row_owner, kind="stable")
    row_ends = np.searchsorted(row_owner[row_order], np.arange(len(blocks) + 1))
    column_order = np.argsort(owner, kind="stable")
    column_ends = np.searchsorted(owner[column_order], np.arange(len(blocks) + 1))
    position = np.full(len(columns.names), -1, dtype=np.int64)
    position[stage] = np.arange(stage.size)
    pieces = tuple(
        cut.block(
            str(block.name),
            int(position[columns.position[id(theta)]]),
            stage,
            row_order[row_ends[s] : row_ends[s + 1]],
            column_order[column_ends[s] : column_ends[s + 1]],
            continued[s] if continued else (),
        )
        for s, (block, theta) in enumerate(blocks)
    )
    return CompiledProgram(
        objectives={name: (vector[stage], constant) for name, (vector, constant) in objectives.items()},
        signs={name: sign for name, (_, _, sign) in compiled.costs.items()},
        matrix=matrix[own][:, stage],
        row_lower=cut.row_lower[own],
        row_upper=cut.row_upper[own],
        lower=lower[stage],
        upper=upper[stage],
        is_integer=is_integer[stage],
        column_names=tuple(columns.names[j] for j in stage),
        row_names=tuple(rows.names[i] for i in own),
        blocks=pieces,
        column_keys=tuple(columns.keys[j] for j in stage),
        row_keys=tuple(rows.keys[i] for i in own),
    )


@dataclass(frozen=True)
class _Cut:
    """The whole program, from which blocks are cut."""

    columns: _Columns
    rows: _Rows
    matrix: Any
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats

    def block(
        self, name: str, theta: int, stage: Integers, rows: Integers, columns: Integers, continued: Iterable[Continued]
    ) -> RecourseBlock:
        if theta < 0:
            remedy = "declare it outside of the block"
            raise DataProblem(
                [_told("recourse", name, "a theta inside a recourse block", "a first-stage column", remedy)]
            )
        part = self.matrix[rows]
        linking = part[:, stage]
        coefficient = linking[:, [theta]].toarray().ravel()
        keep = np.ones(stage.size)
        keep[theta] = 0.0
        linking = (linking @ sparse.diags(keep)).tocsr()
        linking.eliminate_zeros()
        return RecourseBlock(
            name=name,
            theta=theta,
            linking=linking,
            recourse=part[:, columns],
            theta_coefficient=coefficient,
            row_lower=self.row_lower[rows],
            row_upper=self.row_upper[rows],
            lower=self.lower[columns],
            upper=self.upper[columns],
            column_names=tuple(self.columns.names[j] for j in columns),
            row_names=tuple(self.rows.names[i] for i in rows),
            column_keys=tuple(self.columns.keys[j] for j in columns),
            row_keys=tuple(self.rows.keys[i] for i in rows),
            continued=self._continued(continued, stage, columns),
        )

    def _continued(self, continued: Iterable[Continued], stage: Integers, columns: Integers) -> Affine | None:
        """Linear forms of a block's columns over the first stage; None where none is told."""
        position = self.columns.position
        owners, inner, values = array("q"), array("q"), array("d")
        constant = np.full(len(self.columns.names), np.nan)
        for column, terms, fixed in continued:
            own = position[id(column)]
            constant[own] = fixed
            for coefficient, variable in terms:
                owners.append(own)
                inner.append(position[id(variable)])
                values.append(coefficient)
        told = np.isfinite(constant)
        if not told.any():
            return None
        entries = (
            np.array(values),
            (np.searchsorted(columns, np.array(owners)), np.searchsorted(stage, np.array(inner))),
        )
        matrix = sparse.csr_matrix(entries, shape=(columns.size, stage.size))
        return Affine(matrix, np.where(told, constant, 0.0)[columns])


def _dense(terms: Mapping[int, float], width: int) -> Floats:
    vector = np.zeros(width)
    for j, coefficient in terms.items():
        vector[j] += coefficient
    return vector
