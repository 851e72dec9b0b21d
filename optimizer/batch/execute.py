"""A batch carried out: jobs to Dask workers, finished runs into place one by one, the rest kept for later."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from optimizer.batch.parcel import unpack
from optimizer.batch.plan import Job, Plan
from optimizer.batch.worker import CRASH, DONE, LIMIT, TOPIC, Outcome, Task, do, record, warm
from optimizer.errors import DataProblem, Problem, UsageProblem
from optimizer.results.folder import PARTIAL, can_go_on, full_disk_told, replace_file
from optimizer.results.identity import identity_of
from optimizer.results.lock import lock, unlock
from optimizer.results.manifest import as_json, utc_now
from optimizer.results.records import read_manifest
from optimizer.results.seal import check_seal
from optimizer.results.write import read_table

if TYPE_CHECKING:
    from distributed import Client, Future

STATE = "batch.json"


class Listener(Protocol):
    """Who is told how the batch goes on."""

    def says(self, job: str, text: str) -> None:
        """A job (by its place) tells what it does."""

    def ended(self, result: Result, done: int, of: int) -> None:
        """A job ended, as number ``done`` of ``of``."""


@dataclass(frozen=True)
class Result:
    """How a job of the batch ended.

    Attributes:
        job: the job.
        outcome: code, status and message.
        run: the run folder, or None if there is none.
        is_reused: whether an earlier run of the same inputs stands for it.
    """

    job: Job
    outcome: Outcome
    run: Path | None
    is_reused: bool = False


@dataclass
class Batch:
    """A batch being carried out in a folder.

    Attributes:
        plan: what to run.
        folder: where the runs and the index go.
        shares_disk: whether workers write into the folder themselves, so that even a broken-off job can be gone on
            with; otherwise runs travel back when they are finished.
        known: finished complete runs by identity, which are not solved again.
        results: how jobs ended, by place.
    """

    plan: Plan
    folder: Path
    shares_disk: bool
    listener: Listener
    known: Mapping[str, Path] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    is_interrupted: bool = False
    _rests_until: float = 0.0
    _twins: dict[str, list[Job]] = field(default_factory=dict)

    def check_places(self) -> None:
        """See that what stands at the jobs' places can be taken over.

        Raises:
            UsageProblem: if it is a run of other inputs.
            DataProblem: if finished runs are damaged: every fault of each.
        """
        faults: list[Problem] = []
        for job in self.plan.jobs:
            target = self.folder / job.place
            if not target.exists():
                continue
            if identity_of(read_manifest(target)) != job.identity(self.plan.options, self.plan.draws):
                raise UsageProblem(f"{target} is a run of other inputs or options; name another folder with -o")
            if not can_go_on(target):
                remedy = f"bring the run back from a copy, or take {target} away and go on: the job is then done anew"
                faults += [replace(fault, remedy=remedy) for fault in damage(target)]
        if faults:
            raise DataProblem(faults)

    def settle_known(self) -> list[Job]:
        """Take over what is finished already; returns the jobs left, of several with equal inputs only the first.

        What stands at the jobs' places was checked (:meth:`check_places`); a run from elsewhere counts if it is whole.
        """
        left: list[Job] = []
        done = dict(self.known)
        self._twins = {}
        for job in self.plan.jobs:
            identity, target = job.identity(self.plan.options, self.plan.draws), self.folder / job.place
            if target.exists():
                if not can_go_on(target):
                    done[identity] = target
                    self._end(Result(job, Outcome(DONE, "complete"), target))
                    continue
            elif identity in done and not damage(done[identity]):
                self._end(Result(job, Outcome(DONE, "complete"), done[identity], True))
                continue
            if identity in self._twins:
                self._twins[identity].append(job)
                continue
            self._twins[identity] = []
            left.append(job)
        return left

    def carry_out(self, client: Client, jobs: list[Job], sent: int, workers: int) -> None:
        """Do the jobs, so many sent to the workers at a time; Ctrl-C lets go of what is under way."""
        from distributed import as_completed

        client.subscribe_topic(TOPIC, self._heard)
        waiting = iter(jobs)
        queue = as_completed()
        going: dict[Future, Job] = {}
        try:
            for job in islice(waiting, sent):
                self._submit(client, queue, going, job, workers)
            for future in queue:
                job = going.pop(future)
                self._take(job, _outcome(future))
                future.release()
                for after in islice(waiting, 1):
                    self._submit(client, queue, going, after, workers)
        except KeyboardInterrupt:
            client.cancel(list(going), force=True)
            raise
        finally:
            if client.status == "running":
                client.unsubscribe_topic(TOPIC)

    def _submit(self, client: Client, queue: Any, going: dict[Future, Job], job: Job, workers: int) -> None:
        target = str((self.folder / job.place).absolute()) if self.shares_disk else None
        options = replace(self.plan.options, workers=workers)
        task = Task(job.place, job.case, job.parcel, options, self.plan.draws, target)
        future = client.submit(do, task, pure=False)
        going[future] = job
        queue.add(future)

    def _heard(self, event: tuple[float, Mapping[str, str]]) -> None:
        self.listener.says(event[1]["job"], event[1]["text"])

    def interrupt(self) -> None:
        """End early; what workers had put into place before they could say so counts too."""
        self.is_interrupted = True
        for job in self.plan.jobs:
            target = self.folder / job.place
            if target.exists() and job.place not in self.results:
                status = str(read_manifest(target).get("status"))
                self._end(Result(job, Outcome(DONE if status == "complete" else LIMIT, status), target))

    def _take(self, job: Job, outcome: Outcome) -> None:
        target = self.folder / job.place
        if outcome.parcel is not None:
            place_run(outcome.parcel, target)
        run = target if target.exists() else None
        self._end(Result(job, replace(outcome, parcel=None), run))

    def _end(self, result: Result) -> None:
        self.results[result.job.place] = result
        self.listener.ended(result, len(self.results), len(self.plan.jobs))
        identity = result.job.identity(self.plan.options, self.plan.draws)
        if time.monotonic() >= self._rests_until:
            self.write_state()
        for twin in self._twins.pop(identity, []):
            self._end(Result(twin, result.outcome, result.run, True))

    def write_state(self) -> None:
        """Write what has ended so far; the file is whole at any moment.

        It holds every job, so that writing it after each of thousands would take longer than solving them: while jobs
        end it is written once a second at most, and in no more than a fiftieth of the time.
        """
        began = time.monotonic()
        with full_disk_told(self.folder):
            replace_file(self.folder / STATE, as_json(self.record()).encode())
        ended = time.monotonic()
        self._rests_until = ended + max(1.0, 50.0 * (ended - began))

    def record(self) -> dict[str, Any]:
        """The batch as plain values: every job with what varies, how it ended and where its run is."""
        jobs = []
        for job in self.plan.jobs:
            ended = self.results.get(job.place)
            entry = {"case": job.case, "variation": job.variation, "keys": job.keys, "case_hash": job.case_hash}
            told = record(ended.outcome) if ended else record(Outcome(DONE, "open")) | {"code": None}
            run = os.path.relpath(ended.run, self.folder) if ended and ended.run else None
            jobs.append({**entry, **told, "run": run, "is_reused": bool(ended and ended.is_reused)})
        return {"title": self.plan.title, "written": utc_now(), "options": self.plan.options.record(), "jobs": jobs}

    @property
    def code(self) -> int:
        """Exit code: the worst of the cases; 4 or 5 if the batch was interrupted before all were done."""
        codes = [result.outcome.code for result in self.results.values()]
        if self.is_interrupted and len(self.results) < len(self.plan.jobs):
            has_run = any(result.run is not None for result in self.results.values())
            codes.append(LIMIT if has_run else LIMIT + 1)
        return max(codes, default=DONE)


def damage(run: Path) -> tuple[Problem, ...]:
    """What is wrong with the files of a finished run, as far as its seal and the table of an index tell."""
    try:
        check_seal(run)
        read_table(run / "frontier.parquet")
    except DataProblem as error:
        return tuple(error.problems)
    return ()


def _outcome(future: Future) -> Outcome:
    try:
        outcome: Outcome = future.result()
    except Exception as error:
        return Outcome(CRASH, "failed", f"the cluster gave the job up: {type(error).__name__}: {error}")
    return outcome


def place_run(parcel: bytes, target: Path) -> None:
    """Unpack a run that came back, under ``<name>.partial``, and rename it in one step; an unfinished one gives way.

    Raises:
        StorageFull: if there is no room; nothing that was there before is touched.
    """
    fresh = target.with_name(target.name + PARTIAL)
    with full_disk_told(target.parent):
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            unpack(parcel, fresh)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        old = target.with_name(target.name + ".old")
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def claimed(folder: Path, resumes: bool) -> Iterator[Path]:
    """The folder of a batch, held against other processes while inside.

    Raises:
        UsageProblem: if it exists and is not to be gone on with, is no batch, or another process is at work on it.
    """
    if folder.exists() and not resumes:
        raise UsageProblem(f"{folder} exists already; go on with it by --resume, or name another folder with -o")
    if folder.exists() and any(folder.iterdir()) and not (folder / STATE).is_file():
        raise UsageProblem(f"{folder} is no folder of a batch; name another with -o")
    with full_disk_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock(folder)
    try:
        yield folder
    finally:
        unlock(folder)


def shared_out(cores: int, jobs: int, asked: int | None, most: int | None = None) -> tuple[int, int]:
    """How many jobs at a time, and how many solver processes each: together no more than there are cores.

    Args:
        cores: of the machine.
        jobs: to do.
        asked: solver processes per job, if given.
        most: jobs at a time, at most: what memory allows may be fewer than what cores do.
    """
    wanted = max(1, jobs if most is None else min(jobs, most))
    each = asked or max(1, cores // wanted)
    return max(1, min(wanted, cores // each)), each


def run_batch(batch: Batch, scheduler: str | None, most: int | None = None) -> None:
    """Carry a batch out on this machine, or on the workers of a scheduler; Ctrl-C ends it wherever it comes.

    Args:
        batch: what to do.
        scheduler: address of a Dask scheduler; None: workers of this machine.
        most: jobs at a time, at most.

    Raises:
        UsageProblem: if a run of other inputs stands at a job's place; nothing is written then.
        DataProblem: if a finished run there is damaged; nothing is written then.
    """
    try:
        batch.check_places()
        batch.write_state()
        jobs = batch.settle_known()
        if jobs:
            _with_workers(batch, jobs, scheduler, most)
    except KeyboardInterrupt:
        batch.interrupt()


def _with_workers(batch: Batch, jobs: list[Job], scheduler: str | None, most: int | None) -> None:
    from optimizer.batch import cluster

    with ExitStack() as stack:
        if scheduler is None:
            at_once, each = shared_out(cluster.cores(), len(jobs), batch.plan.workers, most)
            client, sent = stack.enter_context(cluster.local(at_once)), 2 * at_once
        else:
            client = stack.enter_context(cluster.remote(scheduler))
            each, sent = batch.plan.workers or 1, 2 * cluster.slots(client)
            sent = sent if most is None else min(most, sent)  # workers take what they are sent
        client.run(warm, on_error="ignore")
        batch.carry_out(client, jobs, sent, each)
