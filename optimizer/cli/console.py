"""What a person sees: progress on stderr with phase and time, tables that fit the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

PIPE_SECONDS = 30.0
"""Least time between passing states where they cannot be rewritten in place."""
STORY_COLUMNS = 80
"""Width of running text where there is no terminal."""


class Progress:
    """Lines on stderr: one per phase when finished, and, on a terminal, a line that is rewritten meanwhile."""

    def __init__(self, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._is_live = sys.stderr.isatty() and not is_quiet
        self._begin = self._told = time.monotonic()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Announce a phase and tell how long it took."""
        start = time.monotonic()
        self.update(f"{name} …")
        yield
        self.line(f"{name}: {time.monotonic() - start:.1f} s")

    def update(self, text: str) -> None:
        """Show a passing state; on a pipe only every half minute."""
        if not self._is_live and not self._is_quiet and time.monotonic() - self._told >= PIPE_SECONDS:
            self.line(text)
        if self._is_live:
            click.echo(f"\r\x1b[2K{self._stamp()} {text}"[:200], nl=False, err=True)

    def line(self, text: str) -> None:
        """Write a lasting line."""
        if self._is_quiet:
            return
        self._told = time.monotonic()
        if self._is_live:
            click.echo("\r\x1b[2K", nl=False, err=True)
        click.echo(f"{self._stamp()} {text}", err=True)

    def _stamp(self) -> str:
        return f"[{time.monotonic() - self._begin:6.1f} s]"


def print_table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table on stdout; ``columns`` are (heading, justification)."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in columns:
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    width = None if sys.stdout.isatty() else 100
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    if title:
        console.print(title)
    console.print(table)


def print_story(title: str, sections: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    """Print text on stdout, wrapped to the terminal (80 columns where there is none).

    Args:
        title: first line.
        sections: (heading, how its figures were found, sentences).
    """
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table

    width = None if sys.stdout.isatty() else STORY_COLUMNS
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    console.print(title, style="bold")
    for heading, basis, lines in sections:
        console.print()
        console.print(heading, style="bold")
        if basis:
            console.print(Padding(basis, (0, 0, 0, 2)), style="dim")
        rows = Table.grid(padding=(0, 1, 0, 0))
        for line in lines:
            rows.add_row(" -", line)
        console.print(rows)
