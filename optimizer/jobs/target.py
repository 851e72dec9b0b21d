"""Where a job's run goes: a new folder, one to go on with, or one that holds the answer already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import AuditFailure, DataProblem, Infeasible, UsageProblem
from optimizer.results.folder import (
    RunFolder,
    RunTables,
    can_go_on,
    full_disk_told,
    interrupted_run,
    read_run,
    run_path,
    safe_name,
)
from optimizer.results.identity import identity, identity_of
from optimizer.results.manifest import versions
from optimizer.results.records import failed_checks, read_manifest
from optimizer.tables.case import Case, load_case

if TYPE_CHECKING:
    from optimizer.jobs.frontier import Run
    from optimizer.jobs.point_tables import Found
    from optimizer.jobs.prepare import Options

RUNS = Path("runs")
"""Root of all runs that are not given a folder."""


def target_of(output: Path | None, case: Case, resumes: bool = False, root: Path = RUNS) -> Path:
    """The run folder to make.

    Args:
        output: folder given by the user.
        case: the case.
        resumes: without a folder given, take the latest run of exactly this case that can be gone on with.
        root: where runs without a folder of their own go.
    """
    if output is not None:
        return output
    if resumes:
        unfinished = interrupted_run(root, case.name, case.case_hash)
        ended = sorted((root / safe_name(case.name)).glob(f"*-{safe_name(case.case_hash[:8])}"))
        limited = [path for path in ended if can_go_on(path)]
        if unfinished is not None or limited:
            return unfinished or limited[-1]
    return run_path(root, case.name, case.case_hash)


def finished_run(target: Path, case: Case) -> RunTables | None:
    """The run at a place to be gone on with if it is complete; None if there is none or it can go on.

    Raises:
        UsageProblem: if it is a run of other inputs.
        DataProblem: if the folder is no run.
        AuditFailure: if its plans do not add up; more time would not mend them.
    """
    if not target.exists():
        return None
    run = read_run(target)
    made_from = (run.manifest.get("case_hash"), run.manifest.get("data_hash"))
    if made_from != (case.case_hash, case.data_hash):
        raise UsageProblem(f"{target} is a run of other inputs; name another folder with -o")
    if can_go_on(target):
        return None
    refuse_unsound(target, failed_checks(target))
    return run


def refuse_unsound(run: Path, failed: Sequence[str]) -> None:
    """Stop at plans that did not pass their audit.

    Raises:
        AuditFailure: if checks failed; says which.
    """
    if failed:
        raise AuditFailure(f"the plans do not add up ({', '.join(failed)}); see {run / 'audit.json'}")


def answered(case: str | Path, options: Options, job: str, root: Path = RUNS) -> Run | None:
    """The newest complete run of exactly these inputs, options and versions under a root, or None.

    Args:
        case: folder or name of a case.
        options: how it would be solved.
        job: ``frontier`` or ``run``.
        root: where runs without a folder of their own lie.

    Raises:
        DataProblem: everything wrong with the case, together.
    """
    from optimizer.jobs.frontier import Run

    folders = sorted(root.glob("*/*/run.json"), reverse=True)
    if not folders:
        return None
    loaded = load_case(case)
    wanted = identity(loaded.case_hash, loaded.data_hash, options.record(), versions(), job)
    for path in folders:
        with suppress(DataProblem):  # a damaged run of whatever case is no answer, and no hindrance
            manifest = read_manifest(path.parent)
            if manifest.get("status") != "complete" or identity_of(manifest) != wanted:
                continue
            if failed_checks(path.parent):
                continue
            run = read_run(path.parent)
            return Run(run.path, dict(run.tables), run.inputs, run.manifest, "complete")
    return None


@contextmanager
def making(target: Path, resumes: bool) -> Iterator[RunFolder]:
    """A run folder being made: kept for ``--resume`` if the job breaks off, taken away if nothing can ever come of it.

    Raises:
        UsageProblem: if the folder is taken, or another process is at work on it.
        StorageFull: if there is no room left to write.
    """
    with full_disk_told(target), RunFolder(target, resumes) as folder, full_disk_told(folder.path):
        try:
            yield folder
        except Infeasible:
            folder.discard()
            raise
        finally:
            if folder.path.exists() and not folder.has_points():
                folder.discard()


def job_name(found: Found, draws: bool) -> str:
    """``solve``, ``frontier`` or ``run``, as the command that does it is called."""
    if not found.certificate:
        return "solve"
    return "run" if draws else "frontier"
