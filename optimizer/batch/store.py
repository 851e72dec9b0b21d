"""The run store: every run folder under a root, read as it lies; SQL over the Parquet tables of all of them.

Nothing is imported and nothing is written. DuckDB may read below the root and nowhere else, and takes SELECT alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from optimizer.errors import DataProblem, Problem
from optimizer.results.folder import OLD, PARTIAL
from optimizer.results.identity import identity_of
from optimizer.results.records import failed_checks, read_manifest

_CASE_COPY = "case"
_CATALOGUE = re.compile(r"duckdb_views|duckdb_columns|information_schema|duckdb_tables")


@dataclass(frozen=True)
class StoredRun:
    """A finished run in the store.

    Attributes:
        run: its folder, from the root.
        path: its folder.
        manifest: content of its ``run.json``.
    """

    run: str
    path: Path
    manifest: dict[str, Any]


def stored_runs(root: Path) -> list[StoredRun]:
    """Finished runs under a root, in order of their folders; what cannot be read is passed over."""
    return sorted(_found(root), key=lambda stored: stored.run)


def _found(root: Path) -> Iterator[StoredRun]:
    for file in root.rglob("run.json") if root.is_dir() else ():
        parts = file.relative_to(root).parts[:-1]
        if any(part.endswith((PARTIAL, OLD)) or part.startswith(".") for part in parts):
            continue
        with suppress(DataProblem):
            yield StoredRun("/".join(parts) or file.parent.name, file.parent, read_manifest(file.parent))


def known_runs(root: Path) -> dict[str, Path]:
    """Complete runs whose plans add up, by identity, the newest of each."""
    complete = [stored for stored in stored_runs(root) if stored.manifest.get("status") == "complete"]
    newest = sorted(filter(_adds_up, complete), key=lambda stored: str(stored.manifest.get("finished")))
    return {identity_of(stored.manifest): stored.path for stored in newest}


def _adds_up(stored: StoredRun) -> bool:
    with suppress(DataProblem):
        return not failed_checks(stored.path)
    return False


def summary(root: Path) -> pd.DataFrame:
    """One row per run: what was run, how it ended, how long it took, how far it is proven."""
    rows = []
    for stored in stored_runs(root):
        found = stored.manifest
        certificate, seconds, size = (found.get(name) or {} for name in ("certificate", "seconds", "size"))
        rows.append(
            {
                "run": stored.run,
                "case": found.get("case"),
                "job": found.get("job"),
                "status": found.get("status"),
                "started": found.get("started"),
                "seconds": seconds.get("total"),
                "points": len(found.get("points") or ()),
                "mean_gap_share": certificate.get("mean_gap_share"),
                "facilities": size.get("facilities"),
                "shocks": size.get("shocks"),
                "case_hash": found.get("case_hash"),
                "data_hash": found.get("data_hash"),
                "path": str(stored.path),
            }
        )
    columns = ["run", "case", "job", "status", "started", "seconds", "points", "mean_gap_share", "facilities"]
    return pd.DataFrame(rows, columns=[*columns, "shocks", "case_hash", "data_hash", "path"])


def query(root: Path, sql: str) -> pd.DataFrame:
    """Answer one SELECT over the views of all runs under a root.

    Every table is a view of its name with the columns ``run`` and ``case`` before its own; tables of a run's
    subfolders are called ``<folder>_<table>`` (``inputs_lanes``); ``runs`` has one row per run.

    Raises:
        DataProblem: if the SQL is not one SELECT (B009), or fails (B010).
    """
    with duckdb.connect() as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            raise _failed(sql, error) from error
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            remedy = "ask with SELECT; `SELECT * FROM runs` lists the runs"
            raise DataProblem([Problem("B009", "query", found=sql[:80], allowed="one SELECT", remedy=remedy)])
        try:
            _views(connection, root, sql.lower())
            return connection.execute(statements[0]).df()
        except duckdb.Error as error:
            raise _failed(sql, error) from error


def _failed(sql: str, error: Exception) -> DataProblem:
    remedy = '`sourcing runs query "SELECT view_name FROM duckdb_views()"` lists the views'
    found = f"{sql[:80]}: {error}"
    return DataProblem([Problem("B010", "query", found=found, allowed="SQL that DuckDB understands", remedy=remedy)])


def _views(connection: duckdb.DuckDBPyConnection, root: Path, sql: str) -> None:
    """Make the views that a query names (all, if it asks for views), then shut every door but reading below the root.

    A view opens every one of its files to know their columns, so those nobody asks for are left out.
    """
    runs = summary(root)
    connection.register("runs_frame", runs)
    connection.execute("CREATE TABLE runs AS SELECT * FROM runs_frame")
    connection.unregister("runs_frame")
    tables: dict[str, list[str]] = {}
    for path in runs["path"]:
        for file in sorted(Path(path).glob("*.parquet")) + sorted(Path(path).glob("*/*.parquet")):
            parts = file.relative_to(path).with_suffix("").parts
            if parts[0] != _CASE_COPY:
                tables.setdefault("_".join(parts), []).append(str(file.resolve()))
    connection.execute("CREATE TABLE files (file VARCHAR, run VARCHAR, case_name VARCHAR)")
    for name, files in sorted(tables.items()):
        if name != "runs" and (name.lower() in sql or _CATALOGUE.search(sql)):
            _view(connection, name, files, runs)
    connection.execute(f"SET allowed_directories = [{_quoted(str(root.resolve()) + '/')}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _view(connection: duckdb.DuckDBPyConnection, name: str, files: list[str], runs: pd.DataFrame) -> None:
    owners = {str(Path(path).resolve()): (run, case) for path, run, case in runs[["path", "run", "case"]].to_numpy()}
    rows = []
    for file in files:
        owner = next(owners[str(parent)] for parent in Path(file).parents if str(parent) in owners)
        rows.append((file, *owner))
    connection.executemany("INSERT INTO files VALUES (?, ?, ?)", rows)
    listed = ", ".join(_quoted(file) for file in files)
    reader = f"read_parquet([{listed}], union_by_name = true, filename = 'file_of_row')"
    found = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()]
    own = [f"content.{_named(column)}" for column in found if column not in ("file_of_row", "run", "case")]
    connection.execute(
        f'CREATE VIEW {_named(name)} AS SELECT files.run AS run, files.case_name AS "case", {", ".join(own)} '
        f"FROM {reader} AS content JOIN files ON files.file = content.file_of_row"
    )


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
