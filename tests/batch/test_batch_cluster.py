"""A real scheduler with two worker processes, of which one is killed while it works."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from processes import SCHEDULER, SOURCING, WORKER, started

from optimizer.batch.cluster import hired, remote, slots
from optimizer.batch.store import stored_runs
from optimizer.batch.team import DaskTeam
from optimizer.errors import SolverFailure, UsageProblem
from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier

TOYS = Path(__file__).parents[1] / "toys"


class Abacus:
    """Held by a member: adds up, tells which process it lives in."""

    def __init__(self, start: float) -> None:
        self.sum = start

    def add(self, number: float, seconds: float = 0.0) -> tuple[float, int]:
        time.sleep(seconds)
        self.sum += number
        return self.sum, os.getpid()

    def fail(self) -> None:
        raise SolverFailure("the beads are stuck")


@contextmanager
def running(folder: Path, workers: int = 2):
    """``dask scheduler`` and ``dask worker`` as anyone starts them; workers have folders of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    words = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    processes = [started(SCHEDULER, words, folder)]
    for number in range(workers):
        place = folder / f"worker-{number}"
        place.mkdir(parents=True)
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"]
        processes.append(started(WORKER, [address, *options, "--local-directory", str(place)], folder))
    try:
        yield address, processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.join()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("cluster")) as (address, workers):
        with remote(address) as client:
            client.wait_for_workers(2, timeout=600)
        yield address, workers


def test_no_scheduler_is_wrong_usage(monkeypatch):
    monkeypatch.setattr("optimizer.batch.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(UsageProblem, match="no scheduler answers"), remote("tcp://127.0.0.1:9"):
        pass


def test_questions_of_one_frontier_are_answered_by_the_cluster(cluster):
    """Merged in a fixed order, the result is that of as many processes here."""
    program = prepare(TOYS / "force-majeure").program
    here = trace_frontier(program, COST, LOSS, effort=Effort(points=3, workers=2))
    with hired(cluster[0]) as (hire, workers):
        assert workers == 2
        there = trace_frontier(program, COST, LOSS, effort=Effort(points=3, workers=workers), hire=hire)
    pd.testing.assert_frame_equal(here.points_table(), there.points_table())


def test_a_frontier_on_the_command_line_takes_a_scheduler(cluster, sourcing, tmp_path):
    code, out, err = sourcing(
        "-q", "frontier", TOYS / "force-majeure", "--points", 2, "--scheduler", cluster[0], "-o", "run"
    )
    assert code == 0, err
    assert "run folder: run" in out
    assert json.loads((tmp_path / "run" / "run.json").read_text())["options"]["workers"] == 2


def test_members_keep_what_they_learn_and_their_errors_come_here(cluster):
    arrived = []
    with remote(cluster[0]) as client, DaskTeam(client, Abacus, [(1.0,), (2.0,)]) as team:
        first = team.ask([("add", (1.0,)), ("add", (1.0,))], lambda number, answer: arrived.append(number))
        second = team.ask([("add", (1.0,)), ("add", (1.0,))])
        assert [value for value, _ in first] == [2.0, 3.0]
        assert [value for value, _ in second] == [3.0, 4.0]
        assert sorted(arrived) == [0, 1]
        assert len(team) == 2
        with pytest.raises(SolverFailure, match="beads"):
            team.ask([("fail", ())])


def test_a_killed_workers_jobs_and_questions_run_elsewhere(tmp_path):
    """Three jobs on two workers; as soon as one has begun, its worker is killed. All come back, over the wire."""
    path, told, place = tmp_path / "b.toml", tmp_path / "told.json", tmp_path / "cluster"
    place.mkdir()
    path.write_text(
        f"cases = ['{TOYS / 'one-plant'}']\n[options]\npoints = 2\n"
        "[vary]\n'finance.discount_rate_share' = [0.0, 0.05, 0.1]\n"
    )
    with running(place) as (address, workers), remote(address) as client:
        client.wait_for_workers(2, timeout=600)
        words = ["-q", "batch", str(path), "-o", "out", "--scheduler", address, "--json"]
        batch = started(SOURCING, words, tmp_path, told)
        victim = _busy(client, {process.pid for process in workers})
        os.kill(victim, signal.SIGKILL)
        batch.join(timeout=600)
        assert batch.exitcode == 0, told.read_text()
        assert [job["status"] for job in json.loads(told.read_text())["jobs"]] == ["complete"] * 3
        assert len(stored_runs(tmp_path / "out")) == 3
        assert slots(client) == 1
        # a team hired for two loses nothing but time either
        with DaskTeam(client, Abacus, [(1.0,), (1.0,)]) as team:
            assert [value for value, _ in team.ask([("add", (1.0,)), ("add", (2.0,))])] == [2.0, 3.0]
    assert victim in {process.pid for process in workers}


def _busy(client, known: set[int]) -> int:
    """Process of a worker that has a job, as soon as there is one."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        going = {address: tasks for address, tasks in client.processing().items() if tasks}
        if going:
            pids = client.run(os.getpid, workers=list(going)[:1])
            return next(pid for pid in pids.values() if pid in known)
        time.sleep(0.02)
    raise AssertionError("no worker was given a job")


def test_the_question_of_a_killed_member_is_answered_by_another(tmp_path):
    with running(tmp_path) as (address, workers), remote(address) as client:
        client.wait_for_workers(2, timeout=600)
        with DaskTeam(client, Abacus, [(1.0,), (1.0,)]) as team:
            (_, victim), (_, other) = team.ask([("add", (0.0,)), ("add", (0.0,))])
            assert {victim, other} == {process.pid for process in workers}
            killed = []

            def kill(number: int, _: object) -> None:
                if not killed:
                    killed.append(number)
                    os.kill(victim if number == 1 else other, signal.SIGKILL)

            answers = team.ask([("add", (1.0, 2.0)), ("add", (1.0, 0.0))], kill)
    assert killed == [1]
    # member 0 began anew on the other worker: 1 + 1, as it would have been
    assert answers[0] == (2.0, other)
