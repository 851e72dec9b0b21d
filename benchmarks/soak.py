"""Solve hundreds of random small cases in one process and look for what piles up: memory, handles, files.

    python benchmarks/soak.py [--cases 500] [--seed 0] [--log FILE]

Every case is made by chance from its number, written as a folder, and goes through the real job: check, build, solve,
plans as tables, audit, run folder, page. Most ask for one plan, every tenth for the frontier; every fiftieth is drawn
in full (charts, maps, deck, workbook), every fiftieth traced by worker processes; every twelfth is refused and every
twelfth has no plan, which must leave nothing behind. The runs are taken away as they come. Fails (exit 1) unless, over
the cases after the first fifth,

- memory is flat: the straight line through what is in use rises by at most ``MOST_KIB_PER_CASE`` a case, and what the
  process holds (in use, and kept by the allocators for later) grows by at most ``MOST_GROWTH``;
- no open file, thread or child process is added;
- nothing is left in the temporary folder, the home folder, the folder the command was started in, or beside a run.

The library that reads tables keeps readers, up to eight, and adds one whenever two files happen to be asked for at
once; it is held to one here, so that a thread that is added is one of ours. Python and that library are made to take
their memory from the C library (the process starts itself again for that), which can say how much is in use. Memory is
sampled after a garbage collection, so that what Python would free anyway does not count.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import gc
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "properties"))

from small_case import Accident, Small, Supplier, write  # noqa: E402

MOST_KIB_PER_CASE = 16.0
"""Rise of memory in use that counts as flat: 8 MiB in 500 cases."""

MOST_GROWTH = 1.25
"""Memory of the process at the end, relative to the most of the first fifth: allocators keep some of what is freed."""

FROM_THE_C_LIBRARY = {"PYTHONMALLOC": "malloc", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Surroundings in which all of Python's and the tables' memory is the C library's."""

IMPOSSIBLE = '[[limits.share_cap]]\nname = "x"\nstage = "make"\ncountry = "*"\nmax_share = 0.4\n'
"""A limit under which no plan exists: all plants are in one country."""

SECONDS = 3600.0
"""Limit of a solve: only that it ends, however busy the machine is or however long the process is stopped."""

WATCHED = ("temporary", "home", "start")
"""Folders in which nothing may be left."""

UNFINISHED = (".partial", ".new", ".old", "lock.json")


@dataclass(frozen=True)
class Sample:
    """The process after a case: how the case ended, seconds it computed, and what the process holds."""

    case: int
    ending: str
    seconds: float
    memory_kib: int
    in_use_kib: int
    files: int
    threads: int
    children: int


def drawn_case(number: int, seed: int) -> Small:
    """The case of a number: suppliers, accidents and a market by chance; one in twelve has no plan."""
    dice = random.Random(f"{seed} {number}")
    demand = float(dice.randint(50, 150))
    suppliers, accidents = [], []
    for place in range(dice.randint(2, 4)):
        capacity = float(dice.randint(int(demand) // 2 + 20, 300))
        least, paid = dice.choice((0.0, 0.0, 10.0, 40.0)), dice.choice((0.0, 0.5, 1.0))
        price = float(dice.randint(5, 40))
        suppliers.append(Supplier(f"plant_{place}", price, capacity, least, capacity, paid))
        rate, months = dice.randint(1, 9) / 10, dice.randint(1, 12)
        accidents.append(Accident(f"fire_{place}", (f"plant_{place}",), rate, months, dice.choice((0.0, 0.25, 0.5))))
    kind = dice.choice(("cvar_by_start_year", "worst_case", "expected"))
    years, stock = dice.randint(1, 2), dice.choice((0.0, 0.0, 30.0))
    case = Small(tuple(suppliers), tuple(accidents), demand, years, stock, kind=kind)
    if number % 12 == 5:
        return replace(case, extra=IMPOSSIBLE)
    return case


def spoilt(folder: Path) -> None:
    """Make a case one that must be refused: a price that is no number."""
    offers = folder / "offers.csv"
    head, first, *rest = offers.read_text().splitlines()
    cells = first.split(",")
    cells[head.split(",").index("price_usd_per_kg")] = "cheap"
    offers.write_text("\n".join([head, ",".join(cells), *rest]) + "\n")


def memory_kib() -> int:
    """Memory of this process's own, in use or swapped out; the system takes back and fetches pages of files at will."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(lines[name].split()[0]) for name in ("RssAnon", "VmSwap"))


class _InUse(ctypes.Structure):
    """What the C library tells of its memory (``mallinfo2``), bytes."""

    _fields_ = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks")),
        *((name, ctypes.c_size_t) for name in ("uordblks", "fordblks", "keepcost")),
    ]


def in_use_kib() -> int:
    """Memory in use by whatever took it from the C library, in its arenas and in maps of its own."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = _InUse
    told = library.mallinfo2()
    return int(told.uordblks + told.hblkhd) // 1024


def held(case: int, ending: str, seconds: float) -> Sample:
    """What the process holds now, after a garbage collection."""
    gc.collect()
    files = len(os.listdir("/proc/self/fd")) - 1  # without the one that lists them
    threads = os.listdir("/proc/self/task")
    children = sum(len(Path(f"/proc/self/task/{name}/children").read_text().split()) for name in threads)
    return Sample(case, ending, round(seconds, 3), memory_kib(), in_use_kib(), files, len(threads), children)


def slope(samples: Sequence[Sample]) -> float:
    """Rise of the straight line (least squares) through memory in use, KiB per case."""
    mean_case = sum(s.case for s in samples) / len(samples)
    mean_memory = sum(s.in_use_kib for s in samples) / len(samples)
    spread = sum((s.case - mean_case) ** 2 for s in samples)
    return sum((s.case - mean_case) * (s.in_use_kib - mean_memory) for s in samples) / spread


def verdict(samples: Sequence[Sample], left: Sequence[str]) -> list[str]:
    """What is wrong; empty if memory is flat and nothing was left."""
    later = samples[len(samples) // 5 :]
    faults = [f"left behind: {name}" for name in left]
    rise = slope(later)
    if rise > MOST_KIB_PER_CASE:
        faults.append(f"memory in use rises by {rise:.1f} KiB per case, more than {MOST_KIB_PER_CASE}")
    growth = later[-1].memory_kib / max(s.memory_kib for s in samples[: len(samples) // 5 + 1])
    if growth > MOST_GROWTH:
        faults.append(f"memory: {growth:.2f} times what it was, more than {MOST_GROWTH}")
    for what in ("files", "threads", "children"):
        first, last = getattr(later[0], what), getattr(later[-1], what)
        if last > first:
            faults.append(f"{what}: {last} at the end, {first} after the first fifth")
    return faults


def solved(folder: Path, run: Path, number: int) -> str:
    """One case through the real job; says how it ended. The audit is part of the job: failing it is an error."""
    from optimizer.errors import DataProblem, Infeasible
    from optimizer.jobs.frontier import frontier_of, solve_plan
    from optimizer.jobs.prepare import Options
    from optimizer.report.deliver import write_report
    from optimizer.results.folder import read_run

    is_drawn, has_crew = number % 50 == 1, number % 50 == 3
    try:
        if is_drawn or has_crew or number % 10 == 9:
            frontier_of(
                folder, run, Options(points=3, workers=2 if has_crew else 1, time_limit_s=SECONDS), draws=is_drawn
            )
        else:
            solve_plan(folder, run, Options(time_limit_s=SECONDS))
    except DataProblem:
        return "refused"
    except Infeasible:
        return "no plan"
    stored = read_run(run)
    if stored.audit.get("passed") is not True or stored.tables["frontier"].empty:
        raise SystemExit(f"case {number}: no audited plan")
    write_report(stored, ("html", "pptx", "xlsx") if is_drawn else ("html",))
    return "solved and drawn" if is_drawn else "solved by a crew" if has_crew else "solved"


def remains(runs: Path, run: Path, ending: str) -> list[str]:
    """What a case left beside its run, or in it, that should not be there."""
    expected = {run.name} if ending.startswith("solved") else set()
    odd = [str(path) for path in runs.iterdir() if path.name not in expected]
    return odd + [str(path) for path in runs.rglob("*") if path.name.endswith(UNFINISHED)]


@contextmanager
def watched() -> Iterator[Path]:
    """A place with a temporary, a home and a starting folder of its own for everything that runs inside."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        place = Path(name)
        for folder in WATCHED:
            (place / folder).mkdir()
        os.environ |= {"TMPDIR": str(place / "temporary"), "HOME": str(place / "home")}
        tempfile.tempdir = None
        before = Path.cwd()
        os.chdir(place / "start")
        try:
            yield place
        finally:
            os.chdir(before)


def note(sample: Sample, log: Path | None) -> None:
    """Add a sample to the log; the first starts it anew."""
    if log is None:
        return
    with log.open("w" if sample.case == 0 else "a", newline="") as file:
        rows = csv.DictWriter(file, list(asdict(sample)))
        if sample.case == 0:
            rows.writeheader()
        rows.writerow(asdict(sample))


def soak(cases: int, seed: int, log: Path | None = None) -> tuple[list[Sample], list[str]]:
    """Solve the cases one after another; a sample per case (in the log at once), and what was left behind."""
    samples, left = [], []
    with watched() as place:
        runs = place / "runs"
        for number in range(cases):
            runs.mkdir()
            folder = write(drawn_case(number, seed), place / "cases" / f"case-{number}")
            if number % 12 == 7:
                spoilt(folder)
            began = time.process_time()
            ending = solved(folder, runs / "run", number)
            seconds = time.process_time() - began
            left += remains(runs, runs / "run", ending)
            shutil.rmtree(runs)
            shutil.rmtree(folder)
            samples.append(held(number, ending, seconds))
            note(samples[-1], log)
            if number % 20 == 0:
                print(samples[-1], file=sys.stderr, flush=True)
        left += [str(path) for name in WATCHED for path in (place / name).rglob("*")]
    return samples, left


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, default=None, help="CSV file for the samples.")
    arguments = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in FROM_THE_C_LIBRARY.items()):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **FROM_THE_C_LIBRARY})
    log = arguments.log.absolute() if arguments.log else None
    pa.set_io_thread_count(1)
    began = time.perf_counter()
    samples, left = soak(arguments.cases, arguments.seed, log)
    later = samples[len(samples) // 5 :]
    print(f"{len(samples)} cases in {time.perf_counter() - began:.0f} s: {dict(Counter(s.ending for s in samples))}")
    for what in ("memory_kib", "in_use_kib", "files", "threads", "children"):
        values = [getattr(s, what) for s in later]
        print(f"{what}: {values[0]} after the first fifth, {values[-1]} at the end, {max(values)} at most")
    print(f"memory in use rises by {slope(later):.2f} KiB per case (at most {MOST_KIB_PER_CASE})")
    print(f"left behind: {len(left)}")
    faults = verdict(samples, left)
    for fault in faults:
        print(f"FAULT {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
