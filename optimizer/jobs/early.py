"""Worker processes that start before there is work for them, while the run is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from optimizer.solve.crew import Crew, Hire, Team
from optimizer.solve.recourse import Shocks


class Later:
    """A shelf for the shocks of a program that come later."""

    def __init__(self) -> None:
        self._held: Any = Shocks({}, {})

    def hold(self, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Build the object that answers from now on."""
        self._held = build(*arguments)

    def __getattr__(self, method: str) -> Any:
        return getattr(self._held, method)


@contextmanager
def hired_early(workers: int) -> Iterator[Hire]:
    """Start processes now; what is lent gives them what they hold, once. One worker: none are started.

    Args:
        workers: processes.
    """
    if workers <= 1:
        yield Crew
        return
    with Crew(Later, [()] * workers) as crew:

        def hire(build: Callable[..., Any], shares: Sequence[tuple[Any, ...]]) -> Team:
            crew.ask([("hold", (build, share)) for share in shares])
            return crew

        yield hire
