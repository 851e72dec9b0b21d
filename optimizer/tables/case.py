"""Loading a case: settings, shared tables, own tables, and everything that is wrong with them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from optimizer.errors import DataProblem, Problem
from optimizer.tables.case_file import read_settings
from optimizer.tables.check import check_tables
from optimizer.tables.locate import data_root, find_case
from optimizer.tables.money import in_one_money, told
from optimizer.tables.overrides import Difference, merge, missing_values, remove_rows, without_doubles
from optimizer.tables.package import Package, load_package
from optimizer.tables.read import Table, read_table, to_frame
from optimizer.tables.settings import CaseSettings
from optimizer.tables.text import nearest
from optimizer.tables.workbook_in import INPUTS, read_workbook

_TABLE_ENDINGS = {".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet", ".feather"}


@dataclass(frozen=True)
class Case:
    """A case, read and found right.

    Attributes:
        name: name of the folder.
        folder: where the case lies.
        settings: what ``case.toml`` says, defaults filled in.
        tables: every table of the data package; strings are ``object`` with None where missing, numbers
            ``float64`` with NaN, booleans ``bool``, integers ``int64`` (optional ones ``Int64`` with NA).
            Rows stand in file order, shared rows first, with index 0, 1, ….
        differences: what the case changes in the shared tables.
        case_hash: SHA-256 of ``case.toml`` and the case's own tables.
        data_hash: SHA-256 of the data package and the shared tables the case stands on.
        warnings: what is allowed but worth a look.
        origins: for every row of every table, the file and line it comes from, as ``file:line``.
        money_year: year in whose real money all amounts are stated.
    """

    name: str
    folder: Path
    settings: CaseSettings
    tables: Mapping[str, pd.DataFrame]
    differences: tuple[Difference, ...]
    case_hash: str
    data_hash: str
    warnings: tuple[str, ...]
    origins: Mapping[str, tuple[str, ...]]
    money_year: int


def load_case(case: str | Path, *, data: Path | None = None) -> Case:
    """Read a case and check it.

    ``case`` is a folder, its ``case.toml``, or the name of a shipped case; ``data`` is the folder of the
    shared tables if it is not the one that comes with the program.

    Raises:
        DataProblem: everything that is wrong, together.
    """
    folder = find_case(case)
    package = load_package(data or data_root())
    name = folder.resolve().name
    settings, problems = read_settings(folder / "case.toml", f"{name}/case.toml")
    own, more = _read_own(folder, package, name)
    problems += more
    if settings is None:
        raise DataProblem(problems)
    base, more = read_base(package, settings)
    problems += more
    gone, more = remove_rows(base, package, settings.tables.remove, f"{name}/case.toml")
    problems += more
    money_year = settings.finance.money_year or package.money_year
    base, own, restated, more = in_one_money(base, own, money_year, package.money_year)
    problems += more
    tables, changes = _merged(base, own)
    problems += [problem for table in tables.values() for problem in missing_values(table)]
    found, warnings = check_tables(package, settings, tables, f"{name}/case.toml")
    problems += found
    if problems:
        raise DataProblem(_sorted(problems))
    differences = (*gone, *changes) if settings.base == "shared" else ()
    return Case(
        name=name,
        folder=folder,
        settings=settings,
        tables={key: to_frame(table.resource, table.rows) for key, table in tables.items()},
        differences=differences,
        case_hash=_hash(_case_files(folder, own)),
        data_hash=_hash(_data_files(package, settings)),
        warnings=(*warnings, *told(restated, money_year)),
        origins={key: tuple(f"{row.file}:{row.line}" for row in table.rows) for key, table in tables.items()},
        money_year=money_year,
    )


def _merged(base: Mapping[str, Table], own: Mapping[str, Table]) -> tuple[dict[str, Table], list[Difference]]:
    tables: dict[str, Table] = {}
    changes: list[Difference] = []
    for name, table in base.items():
        tables[name], more = merge(table, own.get(name, Table(table.resource)))
        changes += more
    return tables, changes


def _read_own(folder: Path, package: Package, name: str) -> tuple[dict[str, Table], list[Problem]]:
    """Read the tables that lie beside ``case.toml``. Codes: T008, T047, those of the two readers."""
    tables: dict[str, Table] = {}
    sheets: dict[str, Table] = {}
    problems: list[Problem] = []
    known = {resource.path: resource for resource in package.resources.values()}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _TABLE_ENDINGS or path.name.startswith((".", "~")):
            continue
        label = f"{name}/{path.name}"
        if path.name == INPUTS:
            sheets, more = read_workbook(path, package.resources, name)
            problems += more
            continue
        if path.name not in known:
            near = nearest(path.stem, package.resources, 0.6)
            remedy = f"did you mean `{near}.csv`?" if near else "move the file into a subfolder, or delete it"
            allowed = ", ".join(f"{table}.csv" for table in package.resources)
            problems.append(Problem("T008", label, found=f"`{path.name}`", allowed=allowed, remedy=remedy))
            continue
        resource = known[path.name]
        table, more = read_table(path, resource, label, is_own=True)
        problems += more + without_doubles(table)
        tables[resource.name] = table
    for table_name in sorted(set(tables) & set(sheets)):
        problems.append(_given_twice(name, table_name))
    return tables | sheets, problems


def _given_twice(case: str, table: str) -> Problem:
    found = f"`{table}.csv`, and a sheet `{table}` in `{INPUTS}`"
    remedy = f"delete `{table}.csv`, or the sheet, or give the sheet another name"
    return Problem("T047", f"{case}/{INPUTS}", found=found, allowed="each table in one place", remedy=remedy)


def read_base(package: Package, settings: CaseSettings) -> tuple[dict[str, Table], list[Problem]]:
    """Read the shared tables, or make empty ones. Codes: T009, and those of :func:`read_table`."""
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    for name, resource in package.resources.items():
        path = package.folder / resource.path
        tables[name] = Table(resource)
        if settings.base == "none" or (resource.is_case_table and not path.exists()):
            continue
        if not path.exists():
            tables[name].is_broken = True
            remedy = 'restore the file, or set base = "none" and bring all tables'
            problems.append(
                Problem(
                    "T009",
                    f"data/{resource.path}",
                    found="no such file",
                    allowed="every table of the data package",
                    remedy=remedy,
                )
            )
            continue
        tables[name], more = read_table(path, resource, f"data/{resource.path}", is_own=False)
        problems += more + without_doubles(tables[name])
    return tables, problems


def _case_files(folder: Path, own: Iterable[str]) -> list[Path]:
    files = [folder / "case.toml", folder / INPUTS, *(folder / f"{table}.csv" for table in own)]
    return [file for file in files if file.is_file()]


def _data_files(package: Package, settings: CaseSettings) -> list[Path]:
    files = [package.folder / "datapackage.json"]
    if settings.base == "shared":
        files += [package.folder / resource.path for resource in package.resources.values()]
    return [file for file in files if file.is_file()]


def _hash(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the names and bytes of files."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda path: path.name):
        content = file.read_bytes()
        digest.update(f"{file.name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    """Order problems by file and line, each told once."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda problem: (problem.file, int(problem.row) if problem.row.isdigit() else 0))
