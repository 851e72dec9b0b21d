"""Worker processes that each hold one object and answer calls to its methods, in a fixed order."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol, Self, cast

from optimizer.errors import SolverFailure
from optimizer.solve.shield import shielded

CLOSE_SECONDS = 2.0
"""How long a worker may take to leave by itself."""


Message = tuple[str, tuple[Any, ...]]
"""Name of a method, and what it is called with."""

Arrived = Callable[[int, Any], None]
"""Told of every answer as it comes: number of the member, answer."""


class Team(Protocol):
    """Members that each hold one object and answer calls to its methods, wherever they live."""

    def __len__(self) -> int: ...

    def ask(self, messages: Sequence[Message], arrived: Arrived | None = None) -> list[Any]:
        """Call one method per member (at most one message each) and wait for all answers, in order."""

    def close(self) -> None:
        """Let the members go."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


Hire = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Team]
"""Makes a team: what builds the object a member holds, and the arguments of each member."""


def _serve(connection: Connection, build: Callable[..., Any]) -> None:
    """Body of a worker: take the arguments, build the object, answer until told to stop. Ctrl-C is the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    held: Any = None
    with contextlib.suppress(EOFError, BrokenPipeError):
        arguments = connection.recv()
        while True:
            message = connection.recv()
            if message is None:
                return
            method, parameters = message
            try:
                held = build(*arguments) if held is None else held
                connection.send((True, getattr(held, method)(*parameters)))
            except Exception as error:
                connection.send((False, error))


_GONE = "a worker process ended unexpectedly (out of memory?)"


def _received(connection: Connection) -> tuple[bool, Any]:
    try:
        answer: tuple[bool, Any] = connection.recv()
    except (EOFError, OSError) as error:
        raise SolverFailure(_GONE) from error
    return answer


class Crew:
    """Processes started once (by spawning, so the same on every platform) and closed as a context manager.

    Args:
        build: importable function or class that makes the object a worker holds.
        arguments: one tuple of picklable arguments per worker.
    """

    def __init__(self, build: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._members: list[tuple[Any, Connection]] = []
        for _ in arguments:
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, build), daemon=True)
            with shielded():
                process.start()
            there.close()
            self._members.append((process, here))
        for (_, connection), own in zip(self._members, arguments, strict=True):  # all start up side by side meanwhile
            connection.send(own)

    def __len__(self) -> int:
        return len(self._members)

    def ask(self, messages: Sequence[Message], arrived: Arrived | None = None) -> list[Any]:
        """Call one method per worker (at most one message each) and wait for all answers, in order.

        Args:
            messages: method and arguments, one per worker from the first.
            arrived: told of every answer as it comes.

        Raises:
            SolverFailure: if a worker is gone. Errors raised in a worker are raised here.
        """
        members = [connection for _, connection in self._members[: len(messages)]]
        try:
            for connection, message in zip(members, messages, strict=True):
                connection.send(message)
        except OSError as error:
            raise SolverFailure(_GONE) from error
        answers: list[tuple[bool, Any]] = [(False, None)] * len(members)
        waiting = list(members)
        while waiting:
            for connection in cast("list[Connection]", wait(waiting)):
                waiting.remove(connection)
                k = members.index(connection)
                answers[k] = _received(members[k])
                if arrived is not None and answers[k][0]:
                    arrived(k, answers[k][1])
        for good, answer in answers:
            if not good:
                raise answer
        return [answer for _, answer in answers]

    def close(self) -> None:
        """End the workers; those that do not leave by themselves are terminated."""
        for process, connection in self._members:
            with contextlib.suppress(OSError):
                connection.send(None)
            process.join(CLOSE_SECONDS)
            if process.is_alive():
                process.terminate()
                process.join()
            connection.close()
            process.close()
        self._members = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for process, _ in self._members:
                process.terminate()
        self.close()
