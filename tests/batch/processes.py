"""Commands in processes of their own, forked from one that has imported everything: a start costs no imports."""

from __future__ import annotations

import multiprocessing
import os
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path

SCHEDULER, WORKER = "distributed.cli.dask_scheduler", "distributed.cli.dask_worker"
SOURCING = "optimizer.cli.main"
_IMPORTED = [SCHEDULER, WORKER, SOURCING, "optimizer.cli.batch", "optimizer.cli.solving", "optimizer.batch.preload",
             "optimizer.batch.cluster", "optimizer.batch.index", "optimizer.batch.store"]  # fmt: skip


def started(module: str, words: list[str], folder: Path, told: Path | None = None) -> BaseProcess:
    """The command of a module (``main``) with its words, in a folder; what it prints goes to a file, or nowhere."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    process = context.Process(target=_command, args=(module, words, str(folder), str(told or os.devnull)))
    process.start()
    return process


def _command(module: str, words: list[str], folder: str, told: str) -> None:
    os.chdir(folder)
    for stream, name in ((1, told), (2, os.devnull)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
    import_module(module).main(words)
