"""The plan of a batch: every case with every variation as one job, named, checked and with its identity."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from optimizer.batch.file import BatchFile, RowChange, RowRange
from optimizer.batch.vary import Changes, flat, vary
from optimizer.errors import DataProblem, Problem
from optimizer.jobs.prepare import Options
from optimizer.results.folder import safe_name
from optimizer.results.identity import identity
from optimizer.results.manifest import versions
from optimizer.tables.case import Case, load_case
from optimizer.tables.locate import shipped_cases
from optimizer.tables.text import shorten

MOST_VARIATIONS = 10_000
"""More combinations of what varies are a slip: the cases alone, each read and checked, would take hours."""
PLAIN = "as it is"
"""Name of the variation without changes."""


@dataclass(frozen=True)
class Job:
    """One case with one variation.

    Attributes:
        case: name of the case.
        variation: name of the variation.
        keys: what varies, by name: the value each takes here, as text.
        place: folder within the batch, ``<case>/<variation>``.
        parcel: the varied case, packed.
        case_hash, data_hash: of the varied case.
        work: facilities x years x (1 + shocks), the measure of size that times are estimated by.
        time_limit_s: limit on its frontier.
    """

    case: str
    variation: str
    keys: dict[str, str]
    place: str
    parcel: bytes
    case_hash: str
    data_hash: str
    work: float
    time_limit_s: float

    @property
    def name(self) -> str:
        """Case and variation, as people are told."""
        return self.case if self.variation == PLAIN else f"{self.case}, {self.variation}"

    def identity(self, options: Options, draws: bool) -> str:
        """What a finished run must have for the job to be done already."""
        job = "run" if draws else "frontier"
        return identity(self.case_hash, self.data_hash, options.record(), versions(), job)


@dataclass(frozen=True)
class Plan:
    """Jobs of a batch in the order they are started, and how all are solved."""

    title: str
    jobs: tuple[Job, ...]
    options: Options
    workers: int | None
    draws: bool


def plan_of(batch: BatchFile, label: str, base: Path) -> Plan:
    """Every job of a batch, each varied case checked as ``sourcing check`` does.

    Args:
        batch: the batch file.
        label: how messages name it.
        base: folder that case folders are looked for in.

    Raises:
        DataProblem: everything that is wrong, together: cases that are not there (B005), keys (B006) and rows (B007)
            that a case does not have, two jobs of one name (B008), and whatever is wrong with a case as varied.
    """
    names, problems = _cases(batch.cases, label, base)
    variations, more = _variations(batch, label)
    problems += more
    jobs: list[Job] = []
    for name in names:
        try:
            case = load_case(name)
            for variation, keys, changes in variations:
                try:
                    jobs.append(_job(case, variation, keys, changes))
                except DataProblem as found:
                    problems += found.problems
        except DataProblem as found:
            problems += found.problems
    problems += _doubles(jobs, label)
    if problems:
        raise DataProblem(dict.fromkeys(problems))
    asked = batch.options
    given = asked.model_dump(exclude={"workers", "pictures"})
    return Plan(batch.title, tuple(jobs), Options(**given), asked.workers, asked.pictures)


def _cases(patterns: Sequence[str], label: str, base: Path) -> tuple[list[str], list[Problem]]:
    """Shipped cases and folders that the names mean, each once; wildcards take whatever fits."""
    shipped = shipped_cases()
    found: list[str] = []
    problems = []
    for pattern in patterns:
        fitting = [name for name in shipped if fnmatchcase(name, pattern)] if has_magic(pattern) else []
        if has_magic(pattern) and pattern != "*":
            fitting += [path for path in sorted(glob(str(base / pattern))) if (Path(path) / "case.toml").is_file()]
        elif not has_magic(pattern):
            folder = base / pattern
            fitting = [str(folder) if (folder / "case.toml").is_file() else pattern] if folder.exists() else []
            fitting = fitting or ([pattern] if pattern in shipped else [])
        if not fitting:
            allowed = "a folder with a case.toml, or of the shipped cases: " + ", ".join(shipped)
            remedy = "paths count from the batch file's folder"
            problems.append(
                Problem("B005", label, column="cases", found=f"`{pattern}`", allowed=allowed, remedy=remedy)
            )
        found += fitting
    return list(dict.fromkeys(found)), problems


Varied = tuple[str, dict[str, str], Changes]


def _variations(batch: BatchFile, label: str) -> tuple[list[Varied], list[Problem]]:
    """All variations: every listed one with every combination of what varies freely."""
    listed: list[Varied] = [
        (each.name, {"named": each.name}, Changes(flat(each.set), each.rows)) for each in batch.variation
    ] or [("", {}, Changes())]
    axes: list[list[Varied]] = [listed]
    problems = []
    for key, values in flat(batch.vary).items():
        if not isinstance(values, list) or not values:
            remedy = "write the values in brackets"
            found = f"`{shorten(values)}`"
            problems.append(Problem("B004", label, "", f"vary.{shorten(key)}", found, "a list of values", remedy))
            continue
        short = key.rsplit(".", 1)[-1]
        axes.append([(f"{short}={_short(v)}", {key: _short(v)}, Changes({key: v})) for v in values])
    axes += [_axis(entry) for entry in batch.vary_rows]
    count = math.prod(len(axis) for axis in axes)
    if count > MOST_VARIATIONS:
        allowed, remedy = f"at most {MOST_VARIATIONS} a case", "vary fewer values together, or list variations by name"
        problems.append(Problem("B004", label, "", "vary", f"{count:.6g} combinations", allowed, remedy))
        return [], problems
    return [_combined(choice) for choice in itertools.product(*axes)], problems


def _axis(entry: RowRange) -> list[Varied]:
    base: dict[str, Any] = {"table": entry.table, "key": entry.key, "column": entry.column}
    changes = [RowChange(**base, value=value) for value in entry.values]
    changes += [RowChange(**base, factor=factor) for factor in entry.factors]
    texts = [_short(value) for value in entry.values] + [f"x{factor:g}" for factor in entry.factors]
    return [
        (f"{entry.name}={text}", {entry.name: text}, Changes({}, (change,)))
        for text, change in zip(texts, changes, strict=True)
    ]


def _short(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 24 else text[:23] + "…"


def _combined(choice: Sequence[Varied]) -> Varied:
    name = ", ".join(part for part, _, _ in choice if part)
    keys: dict[str, str] = {}
    changes = Changes()
    for _, more, change in choice:
        keys |= more
        changes = changes.joined(change)
    return name or PLAIN, keys, changes


def _job(case: Case, variation: str, keys: dict[str, str], changes: Changes) -> Job:
    name = case.name if variation == PLAIN else f"{case.name} ({variation})"
    parcel, varied = vary(case, changes, safe_folder(name))
    settings = varied.settings
    events = len(settings.shocks.events) or len(varied.tables["events"])
    starts = len(settings.shocks.start_years) or len(settings.horizon.years)
    work = len(varied.tables["facilities"]) * len(settings.horizon.years) * (1.0 + events * starts)
    place = f"{safe_name(case.name)}/{safe_folder(variation)}"
    limit = settings.frontier.time_limit_s
    return Job(case.name, variation, keys, place, parcel, varied.case_hash, varied.data_hash, work, limit)


def safe_folder(text: str) -> str:
    """A name that stands for one folder and can still be read."""
    kept = "".join(letter if letter.isalnum() or letter in "-_=.,()" else "_" for letter in text)
    return kept.strip("._") or "_"


def _doubles(jobs: Sequence[Job], label: str) -> Iterator[Problem]:
    places = [job.place.casefold() for job in jobs]
    for place in sorted({place for place in places if places.count(place) > 1}):
        remedy = "give variations and case folders names of their own"
        yield Problem("B008", label, found=f"two jobs called `{place}`", allowed="each name once", remedy=remedy)


def limited(plan: Plan, **options: Any) -> Plan:
    """The plan with options of the command line, where given, in place of the file's."""
    given = {name: value for name, value in options.items() if value is not None}
    workers = given.pop("workers", plan.workers)
    return replace(plan, options=replace(plan.options, **given), workers=workers)
