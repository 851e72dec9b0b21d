"""A new case folder to start from: every key explained, tables to fill in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from optimizer.errors import DataProblem, Problem
from optimizer.tables.case_file import section_of
from optimizer.tables.locate import data_root, find_case
from optimizer.tables.package import PROVENANCE, Package, Resource, load_package
from optimizer.tables.settings import CaseSettings
from optimizer.tables.workbook_in import INPUTS

TEMPLATES = ("markets", "market_products", "demand", "offers")
"""Tables that a new case has as a header to fill in."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*")
_FIRST_YEARS = {"first_year": 2027, "last_year": 2034}


def new_case(name: str, target_folder: str | Path, from_case: str | Path | None = None) -> Path:
    """Make the case folder ``target_folder / name`` and return it.

    With ``from_case`` its ``case.toml`` and tables are copied, else the settings are the defaults, each with
    its meaning as a comment. Nothing is ever overwritten.

    Raises:
        DataProblem: the name cannot be a folder's (T026), the folder exists or cannot be made (T041), or
            ``from_case`` is no case (T001).
    """
    if not _NAME.fullmatch(name):
        allowed = "letters, digits, - and _, starting with a letter or digit"
        remedy = "take another name; what people read is `title` in case.toml"
        raise DataProblem([Problem("T026", name or "(empty name)", "", "", f"`{name}`", allowed, remedy)])
    source = find_case(from_case) if from_case is not None else None
    folder = Path(target_folder) / name
    try:
        folder.mkdir(parents=True, exist_ok=False)
    except OSError as error:
        remedy = "take another name, or delete the folder first"
        found = error.strerror or type(error).__name__
        raise DataProblem([Problem("T041", str(folder), found=found, allowed="a new folder", remedy=remedy)]) from error
    package = load_package(data_root())
    if source is None:
        _write(folder / "case.toml", case_toml(name))
        for table in TEMPLATES:
            _write(folder / f"{table}.csv", ",".join(_columns(package.resource(table))) + "\n")
    else:
        for resource in package.resources.values():
            if (source / resource.path).is_file():
                shutil.copyfile(source / resource.path, folder / resource.path)
        for name_of_file in ("case.toml", INPUTS):
            if (source / name_of_file).is_file():
                shutil.copyfile(source / name_of_file, folder / name_of_file)
    _write(folder / "README.md", readme(name, package, source.resolve().name if source else None))
    return folder


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _columns(resource: Resource) -> list[str]:
    return [column for column in resource.columns if column not in PROVENANCE]


def case_toml(title: str) -> str:
    """Return a ``case.toml`` with all keys: the needed ones set, all others as comments with their defaults."""
    lines = [
        "# A case: what is asked, for which years, under which rules. Lines that start with # are switched off",
        "# and show the default; take the # away to change one. The tables beside this file hold markets, demand",
        "# and offers; README.md explains their columns.",
        "",
    ]
    sections = []
    for name, field in CaseSettings.model_fields.items():
        if section_of(field) is not None:
            sections.append((name, field))
        else:
            lines += _key_lines(name, field, {"title": title, "question": ""})
    for name, field in sections:
        lines += ["", *_section_lines(name, field)]
    return "\n".join(lines) + "\n"


def _section_lines(name: str, field: FieldInfo) -> Iterator[str]:
    model = section_of(field)
    if model is None:
        return
    is_list = field.default == ()
    plain = {key: inner for key, inner in model.model_fields.items() if section_of(inner) is None}
    doc = (model.__doc__ or "").strip().splitlines()[0]
    if plain:
        yield f"# {doc}"
        yield f"# [[{name}]]" if is_list else f"[{name}]"
    for key, inner in plain.items():
        yield from _key_lines(key, inner, {} if is_list else _FIRST_YEARS)
    for key, inner in model.model_fields.items():
        if key not in plain:
            yield from ["", f"# {inner.description}"] if plain else []
            yield from _section_lines(f"{name}.{key}", inner)
            yield from [] if plain else [""]


def _key_lines(name: str, field: FieldInfo, values: dict[str, Any]) -> Iterator[str]:
    yield f"# {field.description}"
    if name in values:
        yield f"{name} = {_toml(values[name])}"
        return
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    yield f"# {name} = {_toml(default)}"


def _toml(value: object) -> str:
    if value is None:
        return "…"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict | BaseModel):
        return "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def readme(name: str, package: Package, source: str | None) -> str:
    """Return the README of a new case: what to fill in, and what the columns mean."""
    lines = [f"# {name}", "", f"Started from `{source}`." if source else "Question: …", "", "Answer: …", ""]
    lines += [
        "1. Fill in the tables below and look through `case.toml`.",
        f"2. `sourcing check {name}` lists everything that is still wrong.",
        f"3. `sourcing run {name}` plans, stresses and reports.",
        "",
        "The case stands on the shared tables. A table of the same name beside `case.toml` overrides them row by",
        "row: the same key patches the cells you give, a new key adds a row.",
    ]
    for table in TEMPLATES:
        resource = package.resource(table)
        lines += ["", f"## {table}.csv", "", resource.description.removeprefix("Case: "), ""]
        lines += ["| column | unit | needed | meaning |", "|---|---|---|---|"]
        for column in _columns(resource):
            field = resource.field(column)
            needed = "key" if column in resource.key else "yes" if field.is_required else "no"
            meaning = field.description + (f" One of: {', '.join(field.enum)}." if field.enum else "")
            lines.append(f"| `{column}` | {field.unit or '-'} | {needed} | {meaning} |")
    return "\n".join(lines) + "\n"
