"""The audit of a run: every claim recomputed from its result tables and the instance's tables, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from optimizer.audit.balances import check_balances
from optimizer.audit.claims import check_claims, check_shocks
from optimizer.audit.contracts import check_contracts
from optimizer.audit.costs import check_costs
from optimizer.audit.frontier import check_frontier
from optimizer.audit.inputs import check_inputs
from optimizer.audit.ledger import Audit, Ledger
from optimizer.audit.losses import check_losses, check_probabilities
from optimizer.audit.operations import check_operations
from optimizer.audit.policy import check_policy
from optimizer.audit.reach import check_reach
from optimizer.audit.rules import check_rules
from optimizer.audit.standby import check_standby
from optimizer.audit.subsidies import check_subsidies
from optimizer.audit.view import WHEN, Case, View
from optimizer.results.schema import TABLES

Tables = Mapping[str, pd.DataFrame]


def audit_run(result_tables: Tables, instance_tables: Tables, certificate: Mapping[str, Any] | None = None) -> Audit:
    """Check a run's tables against each other and against the instance.

    Args:
        result_tables: result tables by name; those that are missing count as empty.
        instance_tables: the instance's tables by name, as written to ``inputs``.
        certificate: ``certificate`` of ``run.json``; left out, it is not checked.

    Returns:
        Every check with its largest violation; the caller decides what a failure means. If the instance's tables are
        not whole there are none but theirs: nothing could be recomputed from them.
    """
    ledger = Ledger()
    tables = complete_tables(result_tables)
    inputs = {name: plain_table(frame) for name, frame in instance_tables.items()}
    if not check_inputs(Case(inputs), ledger):
        return ledger.audit()
    check_keys(tables, ledger)
    for position, view in enumerate(views(tables, inputs)):
        for check in POINT_CHECKS:
            check(view, ledger)
        if position == 0:
            check_probabilities(view, ledger)
            check_shocks(view, ledger)
            check_subsidies(view, ledger)
    check_frontier(tables, certificate, ledger)
    return ledger.audit()


def complete_tables(result_tables: Tables) -> dict[str, pd.DataFrame]:
    """All result tables with the columns and types of the schema; missing ones are empty."""
    return {name: complete_table(name, result_tables.get(name)) for name in TABLES}


def views(tables: Tables, instance_tables: Tables) -> Iterator[View]:
    """One view per point of the frontier, from completed and plain tables."""
    case = Case(instance_tables)
    for point in tables["frontier"]["point"].drop_duplicates().tolist():
        yield View(int(point), point_tables(tables, int(point)), case)


def complete_table(name: str, frame: pd.DataFrame | None) -> pd.DataFrame:
    """A result table with the columns and types of the schema."""
    columns = TABLES[name].columns
    if frame is None:
        frame = pd.DataFrame(columns=list(columns))
    frame = plain_table(frame.reindex(columns=list(columns)))
    kinds = {"float64": "float64", "int64": "int64"}
    return frame.astype({name: kinds[dtype] for name, (dtype, _, _) in columns.items() if dtype in kinds})


def plain_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Make text plain objects, so that tables read from files and made in memory join alike."""
    return pd.DataFrame({name: _plain_column(frame[name]) for name in frame.columns}, index=range(len(frame)))


def _plain_column(column: pd.Series) -> Any:
    if pd.api.types.is_numeric_dtype(column):
        return column.array
    text = column.to_numpy(dtype=object, copy=True)
    text[column.isna().to_numpy()] = ""
    return text


def point_tables(tables: Tables, point: int) -> dict[str, pd.DataFrame]:
    """The rows of one point of each table that has points; the others as they are."""
    return {
        name: frame[frame["point"] == point].reset_index(drop=True) if "point" in frame else frame
        for name, frame in tables.items()
    }


def check_keys(tables: Tables, ledger: Ledger) -> None:
    """Each row of a table has its own key, no amount is missing or negative, and points are on the frontier."""
    points = set(tables["frontier"]["point"])
    for name, frame in tables.items():
        key = list(TABLES[name].key)
        ledger.forbid("keys", frame.loc[frame.duplicated(key), key].assign(table=name))
        if "point" in frame:
            ledger.forbid("points", frame.loc[~frame["point"].isin(points), ["point"]].assign(table=name))
        for column in [column for column in frame.columns if column.endswith("_t")]:
            ledger.note("no_negative_amounts", frame[key].assign(table=name), -frame[column])


def check_references(view: View, ledger: Ledger) -> None:
    """Rows name only what the case contains, in years and periods that exist."""
    case = view.case
    known = {
        "flows": ("lane", case.tables["lanes"]["lane"]),
        "throughput": ("recipe", case.tables["recipes"]["recipe"]),
        "commitments": ("offer", case.tables["offers"]["offer"]),
        "standby": ("facility", case.tables["facilities"]["facility"]),
        "shortfalls": ("market", case.tables["markets"]["market"]),
    }
    for name, (column, values) in known.items():
        rows = view.results[name]
        ledger.forbid("references", rows.loc[~rows[column].isin(values), [column]].assign(table=name))
    sources = set(case.tables["offers"]["offer"]) | set(case.tables["qualifications"]["qualification"])
    sold = view.results["deliveries"]
    ledger.forbid("references", sold.loc[~sold["offer"].isin(sources), ["offer"]].assign(table="deliveries"))
    states = case.states[WHEN].assign(exists=True)
    for name, frame in view.results.items():
        if set(WHEN) <= set(frame.columns):
            rows = frame[WHEN].drop_duplicates().merge(states, on=WHEN, how="left")
            ledger.forbid("periods", rows.loc[rows["exists"].isna(), WHEN].assign(table=name))
    lanes = case.tables["lanes"].rename(columns={"from_place": "from_facility", "to_place": "to_facility"})
    ends = ["lane", "layer", "from_facility", "to_facility", "product"]
    rows = view.results["flows"][ends].drop_duplicates().merge(lanes[ends].assign(exists=True), on=ends, how="left")
    ledger.forbid("lane_ends", rows.loc[rows["exists"].isna(), ends])


POINT_CHECKS: tuple[Callable[[View, Ledger], None], ...] = (
    check_references,
    check_balances,
    check_operations,
    check_contracts,
    check_standby,
    check_reach,
    check_costs,
    check_policy,
    check_rules,
    check_losses,
    check_claims,
)
"""Families of checks that run on every point."""
