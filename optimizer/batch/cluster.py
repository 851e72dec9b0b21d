"""Dask clusters: processes of this machine, or workers of a scheduler that is running already."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import dask
from distributed import Client, LocalCluster

from optimizer.batch.team import DaskTeam
from optimizer.errors import UsageProblem
from optimizer.solve.crew import Hire
from optimizer.solve.shield import shielded

CONNECT_SECONDS = 20.0
"""How long a scheduler may take to answer, and to have a first worker."""

_QUIET = ("distributed", "distributed.worker", "distributed.scheduler", "distributed.nanny", "distributed.core")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """Worker processes on this machine, one job each at a time; they may start solver processes of their own."""
    settings: dict[str, Any] = {
        "distributed.worker.daemon": False,
        "distributed.scheduler.allowed-failures": 3,
        "distributed.comm.timeouts.connect": "60s",
    }
    with dask.config.set(settings), ExitStack() as stack:
        with _deaf(), shielded():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        yield stack.enter_context(Client(stack.enter_context(cluster)))


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started inside pass over Ctrl-C, which a terminal sends to all: to end them is this one's business."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


@contextmanager
def remote(address: str) -> Iterator[Client]:
    """A client of a scheduler that is running already.

    Raises:
        UsageProblem: if nothing answers there, or it has no worker.
    """
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageProblem(f"no scheduler answers at {address}; start one with `dask scheduler`") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            message = f"the scheduler at {address} has no worker; start some with `dask worker {address} --nthreads 1`"
            raise UsageProblem(message) from None
        yield client


def slots(client: Client) -> int:
    """Jobs the workers do at the same time: one each."""
    return max(1, len(client.scheduler_info(n_workers=-1)["workers"]))


@contextmanager
def hired(address: str) -> Iterator[tuple[Hire, int]]:
    """How to let the workers of a scheduler answer the questions of one frontier, and how many they are."""
    with remote(address) as client:

        def hire(build: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> DaskTeam:
            return DaskTeam(client, build, arguments)

        yield hire, slots(client)
