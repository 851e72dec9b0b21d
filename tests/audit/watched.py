"""Runs changed in one cell or by one row, and the checks that see it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from optimizer.audit import run
from optimizer.audit.claims import check_claims, check_shocks
from optimizer.audit.frontier import check_frontier
from optimizer.audit.ledger import Ledger
from optimizer.audit.losses import check_probabilities
from optimizer.audit.subsidies import check_subsidies
from optimizer.audit.view import Case, View

INPUTS = run.check_inputs
ONCE = (check_probabilities, check_shocks, check_subsidies)
LEAN = (run.check_keys, check_frontier, check_shocks, check_claims, run.check_references, check_probabilities)
FAMILIES = (INPUTS, *LEAN, check_subsidies, *(check for check in run.POINT_CHECKS if check not in LEAN))


class Watched(Mapping):
    """Tables by name, with a note of those that were looked at."""

    def __init__(self, tables, seen):
        self.tables, self.seen = tables, seen

    def __getitem__(self, name):
        self.seen.add(name)
        return self.tables[name]

    def __iter__(self):
        return iter(self.tables)

    def __len__(self):
        return len(self.tables)


class Audited:
    """A run, and which of its tables each family of checks reads."""

    def __init__(self, results, inputs, certificate=None):
        self.results = run.complete_tables(results)
        self.inputs = {name: run.plain_table(frame) for name, frame in inputs.items()}
        self.certificate = certificate
        self.case = Case(self.inputs)
        self.points = {p: run.point_tables(self.results, p) for p in self.results["frontier"]["point"].tolist()}
        self.reads = {family: set() for family in FAMILIES}
        for family, seen in self.reads.items():
            assert not self._failed(family, {}, Case(Watched(self.inputs, seen)), seen), family.__name__

    def _failed(self, family, changed, case, seen):
        ledger = Ledger()
        tables = Watched({**self.results, **changed}, seen)
        if family is INPUTS:
            family(case, ledger)
        elif family is run.check_keys:
            family(tables, ledger)
        elif family is check_frontier:
            family(tables, self.certificate, ledger)
        else:
            for point in list(self.points)[: 1 if family in ONCE else None]:
                mine = Watched({**self.points[point], **run.point_tables(changed, point)}, seen)
                family(View(point, mine, case), ledger)
        return [check.name for check in ledger.audit().checks if not check.passed]

    def sees(self, table, changed):
        """Names of checks of the first family that fails with another result table in place of one."""
        results = {table: run.complete_table(table, changed)}
        for family in FAMILIES:
            if table in self.reads[family]:
                failed = self._failed(family, results, self.case, set())
                if failed:
                    return failed
        return []

    def sees_input(self, table, changed):
        """The same with another table of the instance; those that are not whole are not looked at further."""
        case = Case({**self.inputs, table: run.plain_table(changed)})
        for family in FAMILIES:
            if table in self.reads[family] or family is INPUTS:
                failed = self._failed(family, {}, case, set())
                if failed:
                    return failed
        return []


def other_values(value):
    """Values a cell could have been given by mistake; numbers off by 1 % and a little."""
    if isinstance(value, bool | np.bool_):
        return [not value]
    if isinstance(value, int | np.integer):
        return [value + 1, value - 1]
    if isinstance(value, float | np.floating):
        return [1.0] if np.isnan(value) else [value + 0.01 * abs(value) + 0.01, value - 0.01 * abs(value) - 0.01]
    return ["elsewhere"]


def with_cell(frame, row, column, value):
    """The table with another value in one cell."""
    values = frame[column].tolist()
    values[row] = value
    return frame.assign(
        **{column: pd.Series(values, index=frame.index, dtype=object if value == "elsewhere" else None)}
    )


def sampled_rows(frame, most):
    """Positions of up to so many rows, from the first to the last."""
    return sorted({int(i) for i in np.linspace(0, len(frame) - 1, min(most, len(frame)))})


def unseen_cells(audited, table, columns, most):
    """(column, row, value) of every change of a cell of a result table that no check sees."""
    frame = audited.results[table]
    assert len(frame), table
    return [
        (column, row, value)
        for column in columns
        for row in sampled_rows(frame, most)
        for value in other_values(frame[column].iloc[row])
        if not audited.sees(table, with_cell(frame, row, column, value))
    ]


def unseen_rows(audited, table, most):
    """Rows of a result table whose absence no check sees."""
    frame = audited.results[table]
    return [row for row in sampled_rows(frame, most) if not audited.sees(table, frame.drop(index=frame.index[row]))]
