"""A run repeated from what its folder keeps: the same case, options and seed, and whether the tables came out equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.errors import DataProblem, Problem
from optimizer.jobs.frontier import Run, frontier_of, solve_plan
from optimizer.jobs.prepare import Options, refuse_taken
from optimizer.jobs.reopen import case_of
from optimizer.jobs.watch import Watcher
from optimizer.results.folder import CASE, read_run
from optimizer.results.manifest import versions

_ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True)
class Repeated:
    """A run made again.

    Attributes:
        run: the new run.
        same: tables (paths within the run folder) whose bytes are those of the first run.
        different: tables that differ.
        reasons: why a difference was to be expected; empty if none was.
    """

    run: Run
    same: tuple[str, ...]
    different: tuple[str, ...]
    reasons: tuple[str, ...]


def run_again(manifest: Path, output: Path | None, watcher: Watcher | None = None) -> Repeated:
    """Repeat a run from its ``run.json`` (or its folder): the case it kept, its options, its seed.

    Tables come out byte for byte the same where the run says it is repeatable and the versions are the same.

    Raises:
        DataProblem: if this is no finished run, its case is gone, or its options are of another version (R006).
    """
    refuse_taken(output)
    folder = manifest.parent if manifest.name == "run.json" else manifest
    first = read_run(folder)
    case, options = case_of(first), _options(first.path, first.manifest)
    job = first.manifest.get("job")
    if job == "solve":
        run = solve_plan(case, output, options, watcher)
    else:
        run = frontier_of(case, output, options, watcher, draws=job == "run", probes=job == "run")
    same, different = _compared(first.path, run.path)
    return Repeated(run, same, different, tuple(_reasons(first.manifest, run.manifest)))


def _options(path: Path, manifest: Mapping[str, Any]) -> Options:
    from pydantic import TypeAdapter, ValidationError

    record = manifest.get("options") or {}
    unknown = sorted(set(record) - set(Options.__dataclass_fields__)) if isinstance(record, dict) else []
    found = f"options of another version: {', '.join(unknown)}" if unknown else ""
    try:
        options = TypeAdapter(Options).validate_python(record)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        found = found or "options that cannot be: " + "; ".join(told)
    if found or "job" not in manifest:
        remedy = "repeat it with the version that made it, which run.json names under versions"
        problem = Problem("R006", str(path / "run.json"), found=found or "no job named", allowed="a run", remedy=remedy)
        raise DataProblem([problem])
    return options


def _compared(first: Path, second: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    same: list[str] = []
    different: list[str] = []
    for name in _tables(first):
        other = second / name
        if not other.is_file():
            continue
        (same if other.read_bytes() == (first / name).read_bytes() else different).append(name)
    return tuple(same), tuple(different)


def _tables(run: Path) -> Iterator[str]:
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run)
        if path.suffix in _ENDINGS and name.parts[0] != CASE:
            yield name.as_posix()


def _reasons(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    if not first.get("is_repeatable", False):
        yield "the first run was cut short by time somewhere, interrupted, or taken up again"
    if not second.get("is_repeatable", False):
        yield "this run was cut short by time somewhere or interrupted"
    now, then = versions(), first.get("versions") or {}
    changed = [
        f"{name} {then.get(name, 'absent')} → {number}" for name, number in now.items() if then.get(name) != number
    ]
    if changed:
        yield "other versions: " + ", ".join(changed)
