"""A team whose members live in Dask workers: what they are built from is sent once, what they are asked goes after it.

A member is a cache, not a possession: if its worker dies, the call runs on another worker, which builds the object
anew from the same arguments. What it had learnt (cuts) is lost, which costs time and no answer.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from distributed import Client, Future, as_completed
from distributed.client import FutureCancelledError

from optimizer.errors import SolverFailure
from optimizer.solve.crew import Arrived, Message

ATTEMPTS = 5
"""How often what a team is built from is sent again after all workers that held it were lost."""

_HELD: dict[str, Any] = {}
ONE_AT_A_TIME = threading.Lock()
"""The solver's own scheduler is one per process, so a worker with several threads still solves one thing at a time."""


def _call(
    key: str, build: Callable[..., Any], arguments: tuple[Any, ...], method: str, parameters: tuple[Any, ...]
) -> tuple[bool, Any]:
    """On a worker: build the member's object unless it is there, and call it. Its own errors travel as answers."""
    with ONE_AT_A_TIME:
        try:
            if key not in _HELD:
                _HELD[key] = build(*arguments)
            return True, getattr(_HELD[key], method)(*parameters)
        except Exception as error:
            return False, error


def _forget(team: str) -> None:
    for key in [key for key in _HELD if key.startswith(team)]:
        del _HELD[key]


class DaskTeam:
    """Members in the workers of a cluster; see :class:`optimizer.solve.crew.Team`.

    Args:
        client: client of the cluster.
        build: importable function or class that makes the object a member holds.
        arguments: one tuple of picklable arguments per member.
    """

    def __init__(self, client: Client, build: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> None:
        self._client, self._build, self._arguments = client, build, list(arguments)
        self._name = uuid.uuid4().hex
        self._sent: list[Future] = []
        self._homes: list[str] = []

    def __len__(self) -> int:
        return len(self._arguments)

    def ask(self, messages: Sequence[Message], arrived: Arrived | None = None) -> list[Any]:
        """Call one method per member (at most one message each) and wait for all answers, in order.

        Raises:
            SolverFailure: if no worker is left that could answer. Errors raised in a member are raised here.
        """
        answers: dict[int, tuple[bool, Any]] = {}
        for _ in range(ATTEMPTS):
            self._send()
            open_calls = {self._submit(k, messages[k]): k for k in range(len(messages)) if k not in answers}
            for call in as_completed(list(open_calls)):
                k = open_calls[call]
                try:
                    answers[k] = call.result()
                except (FutureCancelledError, KeyError):
                    continue
                except Exception as error:
                    raise SolverFailure(f"the cluster gave a question up: {type(error).__name__}: {error}") from error
                if arrived is not None and answers[k][0]:
                    arrived(k, answers[k][1])
            if len(answers) == len(messages):
                break
            self._sent = []
        if len(answers) < len(messages):
            raise SolverFailure("the workers that a question was sent to were lost again and again")
        for k in range(len(messages)):
            if not answers[k][0]:
                raise answers[k][1]
        return [answers[k][1] for k in range(len(messages))]

    def _submit(self, number: int, message: Message) -> Future:
        home = self._homes[number % len(self._homes)] if self._homes else None
        method, parameters = message
        return self._client.submit(
            _call, f"{self._name}-{number}", self._build, self._sent[number], method, parameters,
            workers=home, allow_other_workers=True, pure=False,
        )  # fmt: skip

    def _send(self) -> None:
        """Send every member's arguments, equal ones once; nothing to do if they are there."""
        if self._sent:
            return
        self._homes = sorted(self._client.scheduler_info(n_workers=-1)["workers"])
        unique: dict[int, Future] = {}
        for arguments in self._arguments:
            place = tuple(map(id, arguments))
            if hash(place) not in unique:
                shared = len({tuple(map(id, other)) for other in self._arguments}) == 1
                unique[hash(place)] = self._client.scatter([arguments], broadcast=shared, hash=False)[0]
            self._sent.append(unique[hash(place)])

    def close(self) -> None:
        """Let the workers forget the members."""
        self._sent = []
        if self._client.status == "running":
            self._client.run(_forget, self._name, on_error="ignore")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
