"""A team in the workers of a cluster that loses some, without a cluster: calls run here or are lost on the way."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest
from distributed.client import FutureCancelledError

from optimizer.batch import cluster, team
from optimizer.batch.team import _HELD, ATTEMPTS, DaskTeam, _call, _forget
from optimizer.errors import SolverFailure


class Counter:
    """What a member holds: it counts from a start, as a cache that knows what it was asked before."""

    def __init__(self, start: int) -> None:
        self.count = start

    def add(self, by: int) -> int:
        if by < 0:
            raise ValueError("only upwards")
        self.count += by
        return self.count


class Here:
    """Stands in for a client: runs calls at once, but loses as many as it is told to."""

    status = "running"

    def __init__(self, lost: int = 0, error: Exception | None = None) -> None:
        self.lost, self.error, self.sent, self.forgotten = lost, error, 0, []

    def scheduler_info(self, n_workers):
        return {"workers": {"tcp://a": {}, "tcp://b": {}}}

    def scatter(self, data, **options):
        self.sent += 1
        return data

    def submit(self, function, key, build, arguments, method, parameters, **options):
        if self.lost > 0:
            self.lost -= 1
            return Call(error=self.error or FutureCancelledError("call", "lost"))
        return Call(function(key, build, arguments, method, parameters))

    def run(self, function, name, on_error):
        self.forgotten.append(name)
        function(name)


class Call:
    def __init__(self, answer=None, error=None) -> None:
        self.answer, self.error = answer, error

    def result(self):
        if self.error is not None:
            raise self.error
        return self.answer


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(team, "as_completed", lambda calls: calls)


def asked(client: Here, *by: int):
    heard = []
    with DaskTeam(client, Counter, [(10,), (20,)]) as members:  # type: ignore[arg-type]
        answers = members.ask([("add", (step,)) for step in by], lambda k, answer: heard.append((k, answer)))
        again = members.ask([("add", (step,)) for step in by])
    return answers, again, heard


def test_members_keep_what_they_learnt_until_the_team_is_closed() -> None:
    client = Here()
    answers, again, heard = asked(client, 1, 2)
    assert (answers, again, heard) == ([11, 22], [12, 24], [(0, 11), (1, 22)])
    assert client.sent == 2  # what the members are built from goes out once
    assert not [key for key in _HELD if key.startswith(client.forgotten[0])]


def test_a_lost_call_is_asked_again_and_costs_no_answer() -> None:
    client = Here(lost=3)
    answers, again, _ = asked(client, 1, 2)
    assert (answers, again) == ([11, 22], [12, 24])
    assert client.sent > 2


def test_a_cluster_that_loses_every_call_is_given_up() -> None:
    with pytest.raises(SolverFailure, match="lost again and again"):
        asked(Here(lost=2 * ATTEMPTS), 1, 2)
    with pytest.raises(SolverFailure, match="gave a question up: RuntimeError: broken"):
        asked(Here(lost=1, error=RuntimeError("broken")), 1, 2)


def test_an_error_of_a_member_is_raised_as_it_was() -> None:
    with pytest.raises(ValueError, match="only upwards"):
        asked(Here(), 1, -2)


def test_a_cluster_that_is_gone_is_not_told_to_forget() -> None:
    client = Here()
    members = DaskTeam(client, Counter, [(1,)])  # type: ignore[arg-type]
    client.status = "closed"
    members.close()
    assert client.forgotten == []


def test_a_member_is_built_once_and_forgotten_by_the_name_of_its_team() -> None:
    assert _call("mine-0", Counter, (5,), "add", (1,)) == (True, 6)
    assert _call("mine-0", Counter, (5,), "add", (1,)) == (True, 7)
    is_answer, error = _call("mine-1", Counter, (), "add", (1,))
    assert (is_answer, type(error)) == (False, TypeError)
    _call("other-0", Counter, (5,), "add", (1,))
    _forget("mine")
    assert [key for key in _HELD if key.startswith(("mine", "other"))] == ["other-0"]
    _forget("other")


# --- surroundings of a cluster of this machine ---------------------------------------------------------------------


def test_the_environment_of_workers_is_there_only_while_they_are_started(monkeypatch) -> None:
    monkeypatch.setenv("OWN_THREADS", "4")
    monkeypatch.delenv("OTHER_THREADS", raising=False)
    with cluster._environment({"OWN_THREADS": "1", "OTHER_THREADS": "1"}):
        assert (os.environ["OWN_THREADS"], os.environ["OTHER_THREADS"]) == ("1", "1")
    assert (os.environ["OWN_THREADS"], "OTHER_THREADS" in os.environ) == ("4", False)


def test_only_the_main_thread_can_be_deaf_to_a_signal() -> None:
    seen = []

    def inside() -> None:
        with cluster.deaf():
            seen.append("there")

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == ["there"]


def test_where_processes_cannot_be_forked_from_another_nothing_is_prepared(monkeypatch) -> None:
    monkeypatch.setattr(cluster.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    monkeypatch.setattr(cluster, "forkserver", SimpleNamespace())  # any use of it would fail
    cluster.get_ready()
