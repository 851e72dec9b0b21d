"""The batch file (TOML): which cases, what varies, how to solve. Read and checked, all problems together."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from optimizer.errors import DataProblem, Problem
from optimizer.tables.case_file import endless_lines
from optimizer.tables.settings import Amount, Count, Flag, Name, Section, Share
from optimizer.tables.text import did_you_mean, read_text, shorten

Cell = str | int | float | bool


class BatchOptions(Section):
    """How every case is solved; what is not given is what the case says."""

    points: Count | None = Field(default=None, description="Least number of points.")
    tolerance_share: Share | None = Field(default=None, description="Mean gap to stop at, share of cost.")
    gap_share: Share | None = Field(default=None, description="Gap per point, share of cost.")
    time_limit_s: Amount | None = Field(default=None, description="Seconds for the frontier of one case.")
    seed: Count = Field(default=0, description="Seed of everything random.")
    workers: Count | None = Field(default=None, description="Solver processes per case; empty: the cores shared out.")
    pictures: Flag = Field(default=False, description="Whether every run gets charts, map and page of its own.")


class RowChange(Section):
    """One change in a table: cells of the rows with this key, rows taken out, or a row added.

    A part of ``key`` may be ``*``: every row whose other parts fit.
    """

    table: Name = Field(description="Table.")
    key: Cell | tuple[Cell, ...] | None = Field(
        default=None, description="Key of the row, its parts as a list or joined by |; * stands for any."
    )
    column: Name | None = Field(default=None, description="Column to change.")
    value: Cell | None = Field(default=None, description="New value.")
    factor: float | None = Field(default=None, description="What the number there is multiplied by.")
    remove: Flag = Field(default=False, description="Take the rows out.")
    add: dict[str, Cell] | None = Field(default=None, description="Cells of a row to add, by column.")
    if_missing: Literal["error", "skip"] = Field(default="error", description="What to do if no row has the key.")

    @model_validator(mode="after")
    def _is_one_change(self) -> RowChange:
        kinds = [self.value is not None, self.factor is not None, self.remove, self.add is not None]
        if sum(kinds) != 1:
            raise ValueError("give exactly one of value, factor, remove, add")
        if self.add is None and self.key is None:
            raise ValueError("give the key of the row")
        if (self.value is not None or self.factor is not None) and self.column is None:
            raise ValueError("give the column")
        return self


class Variation(Section):
    """A named set of changes: a regime, a demand path, an offer as it might be.

    With ``cases`` it is for those alone, in the place of one of the same name that is for all.
    """

    name: Name = Field(description="Name in folders and reports.")
    cases: tuple[Name, ...] = Field(
        default=(), description="Names of the cases it is for; * and ? are wildcards; empty: all."
    )
    set: dict[str, Any] = Field(default_factory=dict, description="New values of keys of case.toml, by dotted name.")
    rows: tuple[RowChange, ...] = Field(default=(), description="Changes in tables.")


class RowRange(Section):
    """Values that one column of some rows takes one after another."""

    name: Name = Field(description="Name in folders and reports.")
    table: Name = Field(description="Table.")
    key: Cell | tuple[Cell, ...] = Field(description="Key of the row, as in a change.")
    column: Name = Field(description="Column.")
    values: tuple[Cell, ...] = Field(default=(), description="New values.")
    factors: tuple[float, ...] = Field(default=(), description="What the number there is multiplied by.")

    @model_validator(mode="after")
    def _has_one_list(self) -> RowRange:
        if bool(self.values) == bool(self.factors):
            raise ValueError("give values or factors")
        return self


class BatchFile(Section):
    """The whole of a batch file."""

    title: str = Field(default="", description="Title of the index report.")
    cases: tuple[Name, ...] = Field(min_length=1, description="Shipped cases and folders; * and ? are wildcards.")
    options: BatchOptions = Field(default_factory=BatchOptions, description="How every case is solved.")
    vary: dict[str, Any] = Field(
        default_factory=dict, description="Keys of case.toml with the values each takes; all are combined."
    )
    vary_rows: tuple[RowRange, ...] = Field(default=(), description="Cells of tables with the values each takes.")
    variation: tuple[Variation, ...] = Field(default=(), description="Named sets of changes, listed.")


def read_batch(path: Path) -> BatchFile:
    """Read a batch file.

    Raises:
        DataProblem: it cannot be read (B001), is not TOML (B002), has unknown keys (B003) or wrong values (B004).
    """
    text, unread = read_text(path, path.name)
    problems = [replace(problem, code="B001", file=str(path), row="") for problem in unread]
    problems += [replace(problem, code="B002") for problem in endless_lines(text, str(path))]
    if problems:
        raise DataProblem(problems)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        row = re.search(r"line (\d+)", str(error))
        remedy = "text in quotation marks, lists in brackets, one key a line"
        found = shorten(error, 120)
        problem = Problem("B002", str(path), row.group(1) if row else "", found=found, allowed="TOML", remedy=remedy)
        raise DataProblem([problem]) from error
    return batch_of(content, str(path))


def batch_of(content: Mapping[str, Any], label: str) -> BatchFile:
    """The batch that plain values describe.

    Raises:
        DataProblem: unknown keys (B003) or wrong values (B004).
    """
    try:
        return BatchFile.model_validate(content)
    except ValidationError as error:
        raise DataProblem(_told(error, label)) from error


def _told(error: ValidationError, label: str) -> Iterator[Problem]:
    for detail in error.errors():
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            known = _known(detail["loc"][:-1])
            remedy = did_you_mean(str(detail["loc"][-1]), known, "delete the key")
            yield Problem(
                "B003", label, column=place, found="a key nobody reads", allowed=", ".join(known), remedy=remedy
            )
        else:
            allowed = shorten(detail["msg"].removeprefix("Value error, "), 160)
            found = "nothing" if detail["type"] == "missing" else f"`{shorten(detail['input'])}`"
            yield Problem("B004", label, column=place, found=found, allowed=allowed, remedy="change the value")


def _known(location: tuple[str | int, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "options": BatchOptions, "variation": Variation, "rows": RowChange, "vary_rows": RowRange,
    }  # fmt: skip
    named = [models[str(part)] for part in location if str(part) in models]
    return list((named[-1] if named else BatchFile).model_fields)
