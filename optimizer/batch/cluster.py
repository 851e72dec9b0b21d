"""Dask clusters: processes of this machine, or workers of a scheduler that is running already."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import forkserver
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed.utils import get_mp_context

from optimizer.batch.team import DaskTeam
from optimizer.errors import UsageProblem
from optimizer.solve.crew import Hire
from optimizer.solve.shield import shielded

CONNECT_SECONDS = 20.0
"""How long a scheduler may take to answer, and to have a first worker."""

HOW_STARTED = "distributed.worker.multiprocessing-method"
FORKSERVER = "forkserver"
PRELOADED = ["distributed", "optimizer.batch.preload"]
"""What the workers of this machine share: imported once, in the process that they are forked from."""

_AT_REST = {
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.profile.enabled": False,
}
"""Jobs here last seconds to hours. As Dask stands, watching them took 2.7 % of a core in the client and 4.7 % in each
worker; so it takes 0.7 and 0.4 %."""

_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
"""Variables that hold the libraries of a worker to one thread."""

_QUIET = ("distributed", "distributed.worker", "distributed.scheduler", "distributed.nanny", "distributed.core")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def get_ready() -> None:
    """Let a process import in the background what the workers of this machine need, so that they are there at once.

    They are forked from that process, which has solved nothing and has no threads. Where there is no such way of
    starting processes, each worker imports for itself.
    """
    if FORKSERVER not in multiprocessing.get_all_start_methods():
        return
    with dask.config.set({HOW_STARTED: FORKSERVER}):
        get_mp_context().set_forkserver_preload(PRELOADED)
    with deaf(), _environment({name: str(value) for name, value in (dask.config.get(_ENVIRONMENT) or {}).items()}):
        forkserver.ensure_running()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment set while inside, for processes started there."""
    usual = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in usual.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """Worker processes on this machine, one job each at a time; they may start solver processes of their own."""
    get_ready()
    has_server = FORKSERVER in multiprocessing.get_all_start_methods()
    settings: dict[str, Any] = {
        HOW_STARTED: FORKSERVER if has_server else "spawn",
        "distributed.worker.daemon": False,
        "distributed.scheduler.allowed-failures": 3,
        "distributed.comm.timeouts.connect": "60s",
        **_AT_REST,
    }
    with dask.config.set(settings), ExitStack() as stack:
        with deaf(), shielded():
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
def deaf() -> Iterator[None]:
    """Pass over Ctrl-C while inside.

    Processes started there do so as long as they live: a terminal sends it to all, and to end them is the business of
    the one that started them.
    """
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
