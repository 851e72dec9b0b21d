"""From a Pyomo model to arrays, once: every later solve changes bounds, costs and right-hand sides only.

The model is read, never altered: no component is added, deactivated or fixed, and objectives may be inactive.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.core.base import Var
from scipy import sparse

from optimizer.errors import DataProblem, Problem
from optimizer.solve.compiled import Affine, CompiledProgram, Flags, Floats, Integers, RecourseBlock
from optimizer.solve.read_model import Columns, Reader, Rows, told

Continued = tuple[Any, Sequence[tuple[float, Any]], float]
"""A block's variable, and the linear form over first-stage variables, with its constant, that it would be."""


def compile_model(
    model: Any,
    objectives: Mapping[str, Any],
    blocks: Sequence[tuple[Any, Any]] = (),
    continued: Sequence[Iterable[Continued]] = (),
    worse: Sequence[Sequence[int]] = (),
) -> CompiledProgram:
    """Compile a linear Pyomo model.

    Args:
        model: a ConcreteModel or Block; only its active constraints count.
        objectives: name → Objective (either sense, active or not), named Expression or linear expression; an
            expression is minimised.
        blocks: per recourse block, the Pyomo block and its ``theta`` variable (a first-stage variable the block
            bounds from below). Every row that touches a variable of a block belongs to that block.
        continued: per recourse block, what its variables are if nothing had happened; empty where that is not known.
        worse: per recourse block, numbers of those whose theta is never less, and theirs in turn; empty where none is
            known.

    Raises:
        DataProblem: if something is not linear, a domain is neither continuous nor integer, or a row couples two
            blocks (all such places are listed).
    """
    with PauseGC():
        columns = Columns.of(model)
        reader = Reader(columns)
        costs = {name: reader.objective(name, component) for name, component in objectives.items()}
        rows = reader.rows(model)
        owner = _owners(columns, blocks)
        reader.raise_problems()
        program = _partition(_Compiled(columns, rows, costs), owner, blocks, continued)
    ordered = zip(program.blocks, worse or [()] * len(program.blocks), strict=True)
    return replace(program, blocks=tuple(replace(block, worse=tuple(others)) for block, others in ordered))


@dataclass(frozen=True)
class _Compiled:
    columns: Columns
    rows: Rows
    costs: Mapping[str, tuple[dict[int, float], float, int]]


def _owners(columns: Columns, blocks: Sequence[tuple[Any, Any]]) -> Integers:
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
        raise DataProblem(told("coupled", names[int(i)], "two blocks", "rows of one block", remedy) for i in mixed)
    return highest


def _partition(
    compiled: _Compiled, owner: Integers, blocks: Sequence[tuple[Any, Any]], continued: Sequence[Iterable[Continued]]
) -> CompiledProgram:
    columns, rows = compiled.columns, compiled.rows
    problems: list[Problem] = []
    lower, upper, is_integer = _bounds(columns, owner, problems)
    objectives = _objectives(compiled, owner, problems)
    if problems:
        raise DataProblem(problems)
    matrix = rows.matrix(len(columns.names))
    row_owner = _row_owners(matrix, owner, rows.names)
    cut = _Cut(columns, rows, matrix, np.array(rows.lower), np.array(rows.upper), lower, upper)
    own, *block_rows = _by_owner(row_owner, len(blocks))
    stage, *block_columns = _by_owner(owner, len(blocks))
    position = np.full(len(columns.names), -1, dtype=np.int64)
    position[stage] = np.arange(stage.size)
    pieces = tuple(
        cut.block(
            str(block.name),
            int(position[columns.position[id(theta)]]),
            stage,
            block_rows[s],
            block_columns[s],
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


def _bounds(columns: Columns, owner: Integers, problems: list[Problem]) -> tuple[Floats, Floats, Flags]:
    """Bounds and integrality of all columns; a strange domain or an integer column of a block is a problem."""
    lower, upper, is_integer = columns.bounds(problems)
    if np.any(is_integer & (owner >= 0)):
        remedy = "relax it, or move it to the first stage"
        problems.append(told("recourse", "", "an integer variable in a recourse block", "real variables", remedy))
    return lower, upper, is_integer


def _objectives(compiled: _Compiled, owner: Integers, problems: list[Problem]) -> dict[str, tuple[Floats, float]]:
    """Coefficients over all columns, and constant, by name; a column of a block in one is a problem."""
    width = len(compiled.columns.names)
    found = {name: (_dense(terms, width), constant) for name, (terms, constant, _) in compiled.costs.items()}
    for name, (vector, _) in found.items():
        if np.any(vector[owner >= 0]):
            remedy = "let blocks speak through their theta"
            problems.append(told("objective", name, "a variable of a recourse block", "first-stage columns", remedy))
    return found


def _by_owner(owner: Integers, count: int) -> list[Integers]:
    """Numbers of what belongs to the first stage (owner -1), then to each of so many blocks, in order."""
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], np.arange(count)))


@dataclass(frozen=True)
class _Cut:
    """The whole program, from which blocks are cut."""

    columns: Columns
    rows: Rows
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
                [told("recourse", name, "a theta inside a recourse block", "a first-stage column", remedy)]
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
        is_told = np.isfinite(constant)
        if not is_told.any():
            return None
        entries = (
            np.array(values),
            (np.searchsorted(columns, np.array(owners)), np.searchsorted(stage, np.array(inner))),
        )
        matrix = sparse.csr_matrix(entries, shape=(columns.size, stage.size))
        return Affine(matrix, np.where(is_told, constant, 0.0)[columns])


def _dense(terms: Mapping[int, float], width: int) -> Floats:
    vector = np.zeros(width)
    for j, coefficient in terms.items():
        vector[j] += coefficient
    return vector
