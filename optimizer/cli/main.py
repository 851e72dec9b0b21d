"""Entry point ``sourcing``: finds the command, runs it, turns every failure into a message and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from optimizer import __version__
from optimizer.cli.failures import run_guarded
from optimizer.solve.shield import shielded

_COMMANDS = {
    "new": "optimizer.cli.cases",
    "check": "optimizer.cli.cases",
    "solve": "optimizer.cli.solving",
    "frontier": "optimizer.cli.solving",
    "run": "optimizer.cli.solving",
    "stress": "optimizer.cli.stress",
    "batch": "optimizer.cli.batch",
    "runs": "optimizer.cli.runs",
    "explain": "optimizer.cli.explain",
    "alternatives": "optimizer.cli.alternatives",
    "sensitivity": "optimizer.cli.sensitivity",
    "compare": "optimizer.cli.compare",
    "map": "optimizer.cli.outputs",
    "report": "optimizer.cli.outputs",
    "data": "optimizer.cli.data",
}


class LazyCommands(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands in the order of a user's work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sourcing")
@click.option("-q", "--quiet", is_flag=True, help="Only results and errors.")
@click.option("-v", "--verbose", is_flag=True, help="More messages, and tracebacks for crashes.")
@click.pass_context
def sourcing(ctx: click.Context, quiet: bool, verbose: bool) -> None:
    """Frontier of cost against resilience for a sourcing decision, with its portfolios, map and proof.

    \b
    Examples:
      sourcing check allied-magnets
      sourcing run allied-magnets -o runs/today
      sourcing map runs/today --point 3 -o plan.png
    """
    ctx.obj = {"quiet": quiet, "verbose": verbose}


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line and end the process with its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    with shielded():
        code = run_guarded(lambda: sourcing.main(args=words, prog_name="sourcing", standalone_mode=False), words)
    sys.exit(code)


if __name__ == "__main__":
    main()
