"""Reading ``case.toml``: from text to :class:`~optimizer.tables.settings.CaseSettings`, every fault with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from optimizer.errors import Problem
from optimizer.tables.settings import CaseSettings
from optimizer.tables.text import nearest, read_text, shorten

Location = tuple[str | int, ...]

LONGEST_LINE = 10_000
"""Longer lines are refused: reading a key of so many parts takes minutes."""

_HEADER = re.compile(r"\s*(\[\[?)([A-Za-z0-9_.\- \"']+)\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-]+|\"[^\"]*\"|'[^']*')\s*(\.[^=]*)?=")


def read_settings(path: Path, label: str) -> tuple[CaseSettings | None, list[Problem]]:
    """Return the settings in ``case.toml``, or None and what is wrong with them.

    Codes: T002, T003 (file), T004 (syntax), T005 (unknown key), T006 (missing key), T007 (wrong value).
    """
    text, problems = read_text(path, label)
    problems = problems or list(endless_lines(text, label))
    if problems:
        return None, problems
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return None, [_syntax(str(error), text, label)]
    try:
        return CaseSettings.model_validate(content), []
    except ValidationError as error:
        lines = dict(_lines(text))
        return None, [_problem(detail, lines, label) for detail in error.errors()]


def endless_lines(text: str, label: str) -> Iterator[Problem]:
    """Yield lines too long to be meant (T004)."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            found, allowed = f"a line of {len(line)} characters", f"at most {LONGEST_LINE}"
            remedy = "break the line: a list may have one entry a line"
            yield Problem("T004", label, str(number), found=found, allowed=allowed, remedy=remedy)


def _syntax(message: str, text: str, label: str) -> Problem:
    place = re.search(r"line (\d+)", message)
    row = place.group(1) if place else str(text.count("\n") + 1)
    remedy = "write text in quotation marks, lists in brackets, true and false in small letters, one key a line"
    return Problem("T004", label, row, found=shorten(message, 120), allowed="TOML", remedy=remedy)


def _lines(text: str) -> Iterator[tuple[Location, int]]:
    """Yield (location, line) of every section and key that stands on a line of its own."""
    section: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        key = _KEY.match(line)
        if header:
            section = tuple(part.strip().strip("\"'") for part in header.group(2).split("."))
            if header.group(1) == "[[":
                counts[section] = counts.get(section, -1) + 1
                section = (*section, counts[section])
            yield section, number
        elif key:
            rest = (key.group(2) or "").split(".")[1:]
            yield (*section, key.group(1).strip("\"'"), *(part.strip().strip("\"'") for part in rest)), number


def _line_of(location: Location, lines: Mapping[Location, int]) -> str:
    """Return the line of a location, or of the nearest section around it."""
    for length in range(len(location), 0, -1):
        if location[:length] in lines:
            return str(lines[location[:length]])
    return ""


def _problem(detail: ErrorDetails, lines: Mapping[Location, int], label: str) -> Problem:
    location = detail["loc"]
    row = _line_of(location, lines)
    name = _dotted(location)
    if detail["type"] == "extra_forbidden":
        return _unknown_key(location, row, label)
    field = _field_at(location)
    what = field.description if field is not None and field.description else ""
    if detail["type"] == "missing":
        return Problem("T006", label, row, name, "nothing", "a value", f"add the key. It is: {what}")
    allowed = shorten(detail["msg"].removeprefix("Value error, "), 200)
    remedy = f"change the value. {what}" if what else "change the value"
    return Problem("T007", label, row, name, f"`{shorten(_plain(detail['input']))}`", allowed, remedy)


def _plain(value: Any) -> str:
    """Return a value of the file as it is shown: sections by their keys."""
    if isinstance(value, BaseModel):
        return value.__class__.__name__
    return ", ".join(f"{key} = {item}" for key, item in value.items()) if isinstance(value, dict) else str(value)


def _dotted(location: Location) -> str:
    """Return ``limits.share_cap[2].stage`` for ("limits", "share_cap", 1, "stage"): entries count from 1."""
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _unknown_key(location: Location, row: str, label: str) -> Problem:
    key = str(location[-1])
    model = _model_at(location[:-1]) or CaseSettings
    known = list(model.model_fields)
    near = nearest(key, known)
    if near is None:
        everywhere = {name.rsplit(".", 1)[-1]: name for name in dict(known_keys())}
        near = everywhere.get(key) or everywhere.get(nearest(key, everywhere, 0.75) or "")
    remedy = f"did you mean `{near}`?" if near else "delete the key"
    found = f"`{shorten(_dotted(location))}`"
    return Problem("T005", label, row, shorten(_dotted(location)), found, ", ".join(known), remedy)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section a key holds (also as a list of sections), or None if it holds a plain value."""
    annotation = field.annotation
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def known_keys(model: type[BaseModel] = CaseSettings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every key of ``case.toml`` as (dotted name, field), sections before their keys."""
    for name, field in model.model_fields.items():
        yield prefix + name, field
        inner = section_of(field)
        if inner is not None:
            yield from known_keys(inner, f"{prefix}{name}.")


def _model_at(location: Location) -> type[BaseModel] | None:
    model: type[BaseModel] | None = CaseSettings
    for part in location:
        if isinstance(part, int):
            continue
        if model is None or part not in model.model_fields:
            return None
        model = section_of(model.model_fields[part])
    return model


def _field_at(location: Location) -> FieldInfo | None:
    """Return the key at a location; of a place inside a list or mapping, the key that holds it."""
    names = [part for part in location if isinstance(part, str)]
    for length in range(len(names), 0, -1):
        model = _model_at(tuple(names[: length - 1]))
        if model is not None and names[length - 1] in model.model_fields:
            return model.model_fields[names[length - 1]]
    return None
