"""Worker processes that each hold one object and answer calls to its methods, in a fixed order."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from optimizer.errors import SolverFailure

CLOSE_SECONDS = 2.0
"""How long a worker may take to leave by itself."""


def _serve(connection: Connection, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Body of a worker: build the object, answer until told to stop. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    held: Any = None
    with contextlib.suppress(EOFError, BrokenPipeError):
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


class Crew:
    """Processes started once (by spawning, so the same on every platform) and closed as a context manager.

    Args:
        build: importable function or class that makes the object a worker holds.
        arguments: one tuple of picklable arguments per worker.
    """

    def __init__(self, build: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._members: list[tuple[Any, Connection]] = []
        for own in arguments:
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, build, own), daemon=True)
            process.start()
            there.close()
            self._members.append((process, here))

    def __len__(self) -> int:
        return len(self._members)

    def ask(self, messages: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """Call one method per worker (at most one message each) and wait for all answers, in order.

        Raises:
            SolverFailure: if a worker is gone. Errors raised in a worker are raised here.
        """
        members = self._members[: len(messages)]
        try:
            for (_, connection), message in zip(members, messages, strict=True):
                connection.send(message)
            answers = [connection.recv() for _, connection in members]
        except (EOFError, OSError) as error:
            raise SolverFailure("a worker process ended unexpectedly (out of memory?)") from error
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
