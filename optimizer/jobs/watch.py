"""Where a job tells how it goes on."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol


class Watcher(Protocol):
    """Where a job tells how it goes on."""

    def phase(self, name: str) -> AbstractContextManager[Any]:
        """Announce a phase."""

    def update(self, text: str) -> None:
        """Show a passing state."""


class Silence:
    """A watcher that tells nobody."""

    def phase(self, name: str) -> AbstractContextManager[Any]:
        """Say nothing about a phase."""
        return nullcontext(name)

    def update(self, text: str) -> None:
        """Say nothing."""
