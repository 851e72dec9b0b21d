"""The soak tells what piles up; the soak itself is ``benchmarks/soak.py``, 60 of its cases run with ``-m long``."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from soak import MOST_KIB_PER_CASE, Sample, drawn_case, remains, slope, verdict  # noqa: E402

FLAT = [Sample(case, "solved", 1.0, 600_000, 500_000 + 300 * (case % 2), 20, 12, 1) for case in range(100)]


def test_memory_that_goes_up_and_down_is_flat() -> None:
    # between 500,000 and 500,300 KiB in turn: over 80 cases the straight line rises by 0.14 KiB per case
    assert abs(slope(FLAT[20:])) < 0.2
    assert verdict(FLAT, []) == []


def test_what_is_taken_in_the_first_fifth_does_not_count() -> None:
    started = [replace(s, in_use_kib=100_000, files=5, children=0) for s in FLAT[:20]]
    assert verdict([*started, *FLAT[20:]], []) == []


@pytest.mark.parametrize("rise", [MOST_KIB_PER_CASE + 1, 1000.0])
def test_memory_that_rises_steadily_is_told(rise: float) -> None:
    rising = [replace(s, in_use_kib=500_000 + int(rise * s.case)) for s in FLAT]
    assert slope(rising) == pytest.approx(rise, rel=1e-3)
    (fault,) = verdict(rising, [])
    assert "memory in use rises" in fault


def test_memory_that_allocators_keep_may_grow_by_a_quarter() -> None:
    kept = [*FLAT[:50], *(replace(s, memory_kib=749_000) for s in FLAT[50:])]
    assert verdict(kept, []) == []
    (fault,) = verdict([*kept[:-1], replace(kept[-1], memory_kib=751_000)], [])
    assert fault == "memory: 1.25 times what it was, more than 1.25"


@pytest.mark.parametrize("what", ["files", "threads", "children"])
def test_a_handle_that_is_not_given_back_is_told(what: str) -> None:
    (fault,) = verdict([*FLAT[:50], *(replace(s, **{what: 30}) for s in FLAT[50:])], [])
    assert fault.startswith(f"{what}: 30 at the end")


def test_a_file_that_is_left_is_told(tmp_path: Path) -> None:
    (fault,) = verdict(FLAT, ["temporary/caps-1"])
    assert fault == "left behind: temporary/caps-1"
    for name in ("run", "run.partial", "run/tables.csv.new"):
        (tmp_path / name).mkdir(parents=True)
    found = remains(tmp_path, tmp_path / "run", "solved")
    assert {Path(path).name for path in found} == {"run.partial", "tables.csv.new"}
    assert str(tmp_path / "run") in remains(tmp_path, tmp_path / "run", "no plan")


def test_a_case_is_a_function_of_its_number() -> None:
    assert drawn_case(3, 0) == drawn_case(3, 0)
    assert len({drawn_case(number, 0) for number in range(50)}) == 50
    assert drawn_case(3, 0) != drawn_case(3, 1)


@pytest.mark.long
def test_sixty_cases_in_a_row_leave_nothing() -> None:
    words = [sys.executable, str(ROOT / "benchmarks" / "soak.py"), "--cases", "60"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
