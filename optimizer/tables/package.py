"""The data package: every table and column, its type, unit, range, key and references.

``datapackage.json`` is the one description of the tables. The loader, the documentation and the templates
of a new case all read it here; :func:`pandera_schema` turns a resource into checks on a data frame.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

import optimizer.frames  # noqa: F401
from optimizer.errors import DataProblem, Problem

PROVENANCE = ("source_id", "confidence", "note")
"""Columns that say where a row comes from."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column: ``type`` is string, number, integer or boolean; ``unit`` is ``date`` for ISO dates."""

    name: str
    type: str
    unit: str
    description: str
    is_required: bool
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Column ``field`` must hold a value of column ``target`` of table ``resource`` (or be empty if optional)."""

    field: str
    resource: str
    target: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One table. ``is_case_table`` marks tables that only a case fills (markets, demand, …)."""

    name: str
    path: str
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]

    @property
    def is_case_table(self) -> bool:
        """Whether the table belongs to a case and has no shared rows."""
        return self.description.startswith("Case:")

    @property
    def is_record_table(self) -> bool:
        """Whether the table is kept to check and estimate others (history, totals) and never read by a case."""
        return self.description.startswith("Record:")

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """Return the column called ``name``; raises KeyError if there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Package:
    """The whole description. ``money_year`` is the year in whose real money all amounts are stated."""

    name: str
    version: str
    money_year: int
    resources: Mapping[str, Resource]
    folder: Path

    def resource(self, name: str) -> Resource:
        """Return the table called ``name``; raises KeyError if there is none."""
        return self.resources[name]


def load_package(path: str | Path, *, with_records: bool = False) -> Package:
    """Read ``datapackage.json`` (or the folder that holds it); record tables only if asked for.

    Raises:
        DataProblem: the file is missing, is not JSON, or lacks a part that is needed (T045).
    """
    path = Path(path)
    file = path / "datapackage.json" if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        found = [_resource(entry) for entry in content["resources"]]
        resources = {resource.name: resource for resource in found if with_records or not resource.is_record_table}
        return Package(
            str(content["name"]), str(content.get("version", "")), int(content["money_year"]), resources, file.parent
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        remedy = "restore the file from the release you installed"
        raise DataProblem([Problem("T045", str(file), found=what, allowed="a data package", remedy=remedy)]) from error


def _resource(entry: Mapping[str, Any]) -> Resource:
    schema = entry["schema"]
    references = (
        ForeignKey(link["fields"], link["reference"]["resource"], link["reference"]["fields"])
        for link in schema.get("foreignKeys", ())
    )
    return Resource(
        name=entry["name"],
        path=entry["path"],
        description=entry.get("description", ""),
        fields=tuple(_field(field) for field in schema["fields"]),
        key=tuple(schema["primaryKey"]),
        foreign_keys=tuple(references),
    )


def _field(entry: Mapping[str, Any]) -> Field:
    limits = entry.get("constraints", {})
    return Field(
        name=entry["name"],
        type=entry["type"],
        unit=entry.get("unit", ""),
        description=entry.get("description", ""),
        is_required=bool(limits.get("required", False)),
        enum=tuple(limits.get("enum", ())),
        minimum=limits.get("minimum"),
        maximum=limits.get("maximum"),
        pattern=limits.get("pattern"),
    )


def dtype(field: Field) -> str:
    """Return the pandas type of a column.

    Strings are ``object`` (missing: None), numbers ``float64`` (missing: NaN), booleans ``bool``, integers
    ``int64`` where required and ``Int64`` (missing: NA) where optional.
    """
    if field.type == "integer":
        return "int64" if field.is_required else "Int64"
    return {"string": "object", "number": "float64", "boolean": "bool"}[field.type]


def empty_frame(resource: Resource) -> pd.DataFrame:
    """Return a frame without rows that has all columns of the table, each with its type.

    pandas notes every view of an axis with the axis, also those of views that are gone. So the frame that all are
    copied from gets new axes each time, and the noted ones go with the copy; else they would gather with every case.
    """
    shared = _empty_frame(resource)
    frame = shared.copy()
    shared.index, shared.columns = pd.RangeIndex(0), pd.Index(resource.columns, dtype="str")
    return frame


@lru_cache(maxsize=256)
def _empty_frame(resource: Resource) -> pd.DataFrame:
    """The same frame for all who ask: most tables of a small case are empty, and making one takes milliseconds."""
    return pd.DataFrame({field.name: pd.Series([], dtype=dtype(field)) for field in resource.fields})


@lru_cache(maxsize=256)
def pandera_schema(resource: Resource) -> pa.DataFrameSchema:
    """Return the range, word and pattern checks of a table; the error of each check is the name of its constraint.

    Missing values pass: whether a value may be missing depends on whether the row patches another.
    """
    checked = {field.name: checks for field in resource.fields if (checks := _checks(field))}
    return pa.DataFrameSchema(
        {name: pa.Column(checks=checks, nullable=True, required=False) for name, checks in checked.items()}
    )


def _checks(field: Field) -> list[pa.Check]:
    checks = []
    if field.minimum is not None:
        checks.append(pa.Check.ge(field.minimum, error="minimum"))
    if field.maximum is not None:
        checks.append(pa.Check.le(field.maximum, error="maximum"))
    if field.enum:
        checks.append(pa.Check.isin(field.enum, error="enum"))
    if field.pattern:
        checks.append(pa.Check.str_matches(field.pattern, error="pattern"))
    return checks
