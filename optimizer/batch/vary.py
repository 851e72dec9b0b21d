"""A variation of a case: changes put into a copy of its settings and tables, which is then an ordinary case."""

from __future__ import annotations

import copy
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.batch.file import Cell, RowChange
from optimizer.batch.parcel import packed
from optimizer.errors import DataProblem, Problem
from optimizer.tables.case import Case, load_case
from optimizer.tables.case_file import known_keys
from optimizer.tables.locate import data_root
from optimizer.tables.package import Resource, load_package
from optimizer.tables.snapshot import whole_settings, write_snapshot, write_whole
from optimizer.tables.text import did_you_mean, shorten

_ENTRY = re.compile(r"(\w+)\[(\d+)\]")


@dataclass(frozen=True)
class Changes:
    """Changes of a variation: new values of keys of ``case.toml`` by dotted name, and changes in tables."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[RowChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.settings) or bool(self.rows)

    def joined(self, other: Changes) -> Changes:
        """Both; where they change the same key, the other's value holds."""
        return Changes({**self.settings, **other.settings}, (*self.rows, *other.rows))


def vary(case: Case, changes: Changes, name: str) -> tuple[bytes, Case]:
    """The varied case as a parcel that needs nothing beside itself, and as read back and found right.

    Args:
        case: what the variation starts from.
        changes: what is different.
        name: name of the variation's folder in messages.

    Raises:
        DataProblem: a key (B006), table, row or column (B007) that is not there, or everything that is wrong with the
            case as varied.
    """
    settings = whole_settings(case)
    tables = dict(case.tables)
    problems = [*_set(settings, changes.settings, name), *_put(tables, changes.rows, name)]
    if problems:
        raise DataProblem(problems)
    with tempfile.TemporaryDirectory(prefix="variation-") as place:
        folder = Path(place) / name
        if changes:
            write_whole(settings, tables, folder)
        else:
            write_snapshot(case, folder)
        return packed(folder), load_case(folder)


def _set(settings: dict[str, Any], values: Mapping[str, Any], name: str) -> Iterator[Problem]:
    known = [key for key, _ in known_keys()]
    for key, value in values.items():
        plain = re.sub(r"\[\d+\]", "", key)
        inside = [other for other in known if plain.startswith(f"{other}.")]
        if plain not in known and not (inside and isinstance(_at(settings, inside[-1]), dict) and _is_map(inside[-1])):
            remedy = did_you_mean(plain, known, "`sourcing new` writes a case with every key")
            found = f"`{shorten(key)}`"
            yield Problem("B006", name, column=shorten(key), found=found, allowed="a key of case.toml", remedy=remedy)
        elif not _place(settings, key, copy.deepcopy(value)):
            found, allowed = "the case has no such entry", "an entry of the list, from 1"
            remedy = "count the entries of that name in case.toml, or add one there"
            yield Problem("B006", name, column=shorten(key), found=found, allowed=allowed, remedy=remedy)


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by dotted key, from TOML written with or without quotation marks around the key."""
    values: dict[str, Any] = {}
    for name, value in content.items():
        key = prefix + name
        if isinstance(value, Mapping) and not _is_map(re.sub(r"\[\d+\]", "", key)):
            values |= flat(value, f"{key}.")
        else:
            values[key] = value
    return values


def _is_map(key: str) -> bool:
    """Whether a key holds names of its own, not keys of a section."""
    return not any(other.startswith(f"{key}.") for other, _ in known_keys())


def _at(settings: Mapping[str, Any], key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = value.get(part, {}) if isinstance(value, Mapping) else {}
    return value


def _place(settings: dict[str, Any], key: str, value: Any) -> bool:
    """Set a dotted key; ``limits.share_cap[2].max_share`` reaches into the second entry of a list."""
    here: Any = settings
    steps: list[str | int] = []
    for part in key.split("."):
        entry = _ENTRY.fullmatch(part)
        steps += [entry.group(1), int(entry.group(2)) - 1] if entry else [part]
    for step in steps[:-1]:
        if not _has_room(here, step):
            return False
        here = here[step] if isinstance(step, int) else here.setdefault(step, {})
    if not _has_room(here, steps[-1]):
        return False
    here[steps[-1]] = value
    return True


def _has_room(here: Any, step: str | int) -> bool:
    """Whether a place is a list with such an entry, or a section for such a name."""
    return isinstance(here, list) and 0 <= step < len(here) if isinstance(step, int) else isinstance(here, dict)


def _put(tables: dict[str, pd.DataFrame], changes: Sequence[RowChange], name: str) -> Iterator[Problem]:
    resources = load_package(data_root()).resources
    for change in changes:
        place = f"{change.table} {'' if change.key is None else key_text(change.key)}".strip()
        if change.table not in resources:
            remedy = did_you_mean(change.table, resources, "name a table of the data package")
            yield Problem("B007", name, place, "table", f"`{shorten(change.table)}`", "the name of a table", remedy)
            continue
        resource = resources[change.table]
        wrong = [column for column in (change.column, *(change.add or ())) if column not in (None, *resource.columns)]
        if wrong:
            remedy = did_you_mean(str(wrong[0]), resource.columns, "name a column of the table")
            allowed = ", ".join(resource.columns)
            yield Problem("B007", name, place, str(wrong[0]), "no such column", allowed, remedy)
            continue
        found, problem = _changed(tables[change.table], resource, change)
        tables[change.table] = found
        if problem and not (problem == _NO_ROW and change.if_missing == "skip"):
            yield Problem("B007", name, place, change.column or "", problem, ", ".join(resource.key), "correct the key")


_NO_ROW = "no row with this key"


def _changed(frame: pd.DataFrame, resource: Resource, change: RowChange) -> tuple[pd.DataFrame, str]:
    """The table with one change made, and what is wrong with the change ("" if nothing)."""
    if change.add is not None:
        row = pd.DataFrame([{column: change.add.get(column) for column in frame.columns}], dtype=object)
        return pd.concat([frame.astype(object), row], ignore_index=True), ""
    parts = key_parts(change.key)
    if len(parts) != len(resource.key):
        return frame, f"{len(parts)} parts of a key of {len(resource.key)}"
    fits = pd.Series(True, index=frame.index)
    for column, part in zip(resource.key, parts, strict=True):
        if part != "*":
            fits &= frame[column].map(_plain) == part
    if not fits.any():
        return frame, _NO_ROW
    if change.remove:
        return frame[~fits].reset_index(drop=True), ""
    column, changed = str(change.column), frame.astype({str(change.column): object})
    if change.factor is not None:
        if resource.field(column).type not in ("number", "integer"):
            return frame, "a factor on a column that holds no numbers"
        changed.loc[fits, column] = pd.to_numeric(frame.loc[fits, column]) * change.factor
    else:
        changed.loc[fits, column] = change.value
    return changed, ""


def _plain(value: Any) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def key_parts(key: Cell | tuple[Cell, ...] | None) -> list[str]:
    """Parts of a row's key, given as a list or joined by ``|``."""
    if isinstance(key, tuple):
        return [_plain(part) for part in key]
    return _plain(key).split("|") if isinstance(key, str) else [_plain(key)]


def key_text(key: Cell | tuple[Cell, ...]) -> str:
    """A row's key as one text."""
    return "|".join(key_parts(key))
