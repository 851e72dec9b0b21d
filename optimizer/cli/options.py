"""Options that several commands share, as decorators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class Finite(click.FloatRange):
    """A number within a range; ``nan``, which lies in no range and outside none, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number, or fail in the words of a wrong usage."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def output_option(command: Command) -> Command:
    """``-o DIR``."""
    return click.option("-o", "--output", type=click.Path(), default=None, help="Folder (or file) to write to.")(
        command
    )


def json_option(command: Command) -> Command:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def taking_up_options(command: Command) -> Command:
    """``--resume``, ``--again`` and ``--scheduler``: options of the commands that trace a frontier."""
    for option in (
        click.option("--scheduler", default=None, metavar="ADDRESS", help="Dask scheduler whose workers answer."),
        click.option("--again", is_flag=True, help="Solve again even if a run of the same inputs is there."),
        click.option("--resume", is_flag=True, help="Go on with a run that was interrupted or ended by a limit."),
    ):
        command = option(command)
    return command


def solving_options(command: Command) -> Command:
    """Options of every command that solves."""
    for option in (
        click.option(
            "--solver", default="highs", show_default=True, help="highs, or for single plans any Pyomo knows."
        ),
        click.option(
            "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Seed of everything random."
        ),
        click.option("--workers", type=click.IntRange(1, 256), default=None, help="Processes (default: the cores)."),
        click.option("--gap", type=Finite(0.0, 1.0), default=None, help="Gap per point, share of cost."),
        click.option("--time-limit", type=Finite(1.0), default=None, help="Seconds for all solving."),
    ):
        command = option(command)
    return command
