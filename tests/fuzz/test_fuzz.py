"""Hostile input: whatever becomes of a case folder, the command ends with a plan or with words, and writes no more.

The long run: ``pytest -m long tests/fuzz`` (10,000 mutants checked, every accepted twentieth solved and audited).
"""

from __future__ import annotations

import math
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from judge import FIT_SOLVED, judge
from mutants import TOYS, grow

from optimizer.tables.case import load_case

IN_CI, IN_A_BLOCK, BLOCKS = 80, 500, 20
SOLVED_EVERY = 20


def _fates(numbers: range, folder: Path, solved_every: int = 0) -> tuple[Counter[int], dict[str, str]]:
    """How often each exit code came, and what was wrong by mutant; mutants at fault are left to look at."""
    fates: Counter[int] = Counter()
    wrong = {}
    for number in numbers:
        place = folder / str(number)
        place.mkdir()
        case = grow(number, place)
        verdict = judge(["-q", "check", str(case), "--json"], place)
        what = "check"
        fates[verdict.code] += 1
        if (
            not verdict.faults
            and verdict.code == 0
            and solved_every
            and random.Random(number).randrange(solved_every) == 0
        ):
            words = ["-q", "solve", str(case), "-o", str(place / "run"), "--time-limit", "5", "--workers", "1"]
            verdict = judge(words, place, FIT_SOLVED, 90)
            what = "solve"
        if verdict.faults:
            wrong[f"{what} {number}"] = f"{verdict.faults} {verdict.said[-1500:]}"
        else:
            shutil.rmtree(place)
    return fates, wrong


def test_mutants_are_refused_with_words_or_accepted(tmp_path: Path) -> None:
    fates, wrong = _fates(range(IN_CI), tmp_path)
    assert wrong == {}
    assert fates[0] > 0.1 * IN_CI
    assert fates[1] > 0.3 * IN_CI


@pytest.mark.long
@pytest.mark.parametrize("block", range(BLOCKS))
def test_ten_thousand_mutants(block: int, tmp_path: Path) -> None:
    first = 1000 + block * IN_A_BLOCK
    _, wrong = _fates(range(first, first + IN_A_BLOCK), tmp_path, SOLVED_EVERY)
    assert wrong == {}


def _toy(folder: Path) -> Path:
    return Path(shutil.copytree(TOYS / "no-foresight", folder / "toy"))


def _place(case: Path, name: str, make: Callable[[Path], None]) -> None:
    (case / name).unlink(missing_ok=True)
    make(case / name)


BECOMES: dict[str, Callable[[Path], None]] = {
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "pipe": os.mkfifo,
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to nothing": lambda path: path.symlink_to("/nowhere/at/all"),
    "link out of the case": lambda path: path.symlink_to("../../../../../../../../etc/hostname"),
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("name", ["offers.csv", "case.toml", "inputs.xlsx"])
@pytest.mark.parametrize("what", BECOMES)
def test_a_file_that_is_no_file_of_tables_is_refused(what: str, name: str, tmp_path: Path) -> None:
    case = _toy(tmp_path)
    _place(case, name, BECOMES[what])
    verdict = judge(["-q", "check", str(case)], tmp_path, seconds=10)
    assert verdict.faults == ()
    assert verdict.code == 1


def test_a_file_far_too_large_is_refused_unread(tmp_path: Path) -> None:
    case = _toy(tmp_path)
    with (case / "offers.csv").open("r+b") as file:
        file.truncate(10**11)  # sparse: it takes no room
    verdict = judge(["-q", "check", str(case)], case.parent / "nothing", seconds=10)
    assert (verdict.faults, verdict.code) == ((), 1)
    assert "found 100000 MB; allowed: at most 64 MB" in verdict.said


LINES = {
    "deep list": f"deep = {'[' * 4000}{']' * 4000}",
    "deep key": f"{'.'.join(['a'] * 4000)} = 1",
    "endless key": f"{'.'.join(['a'] * 100_000)} = 1",
    "deep section": f"[{'.'.join(['a'] * 4000)}]",
    "huge number": f"huge = {'9' * 9000}",
    "blank text after a bracket": f'long = """\n[{" " * 9000}x"""',
    "endless text after a bracket": f'long = """\n[{" " * 90_000}x"""',
    "NUL": "nul = 1 # \x00",
}


@pytest.mark.parametrize("name", LINES)
def test_toml_that_would_keep_a_reader_busy(name: str, tmp_path: Path) -> None:
    case = _toy(tmp_path)
    settings = case / "case.toml"
    settings.write_text(f"{LINES[name]}\n{settings.read_text()}")
    verdict = judge(["-q", "check", str(case)], tmp_path, seconds=10)
    assert verdict.faults == ()
    assert verdict.code == 1


SPELT = {
    "semicolons": (lambda text: text.replace(",", ";"), "found semicolons"),
    "decimal commas": (lambda text: text.replace(",100", ',"100,5"'), "write a decimal point instead of the comma"),
    "tabulators": (lambda text: text.replace(",", "\t"), "allowed: commas"),
    "latin": (lambda text: text.encode() + b"\xe9", "save the file as UTF-8"),
    "utf-16": (lambda text: text.encode("utf-16"), "UTF-16"),
    "1e308": (lambda text: text.replace(",100", ",1e308"), "a number up to 1e+12"),
    "nan": (lambda text: text.replace(",100", ",nan"), "a finite number"),
    "infinite": (lambda text: text.replace(",100", ",-inf"), "a finite number"),
}


@pytest.mark.parametrize("name", SPELT)
def test_spellings_of_other_programs_are_detected_with_the_remedy(name: str, tmp_path: Path) -> None:
    case = _toy(tmp_path)
    change, words = SPELT[name]
    text = change((case / "demand.csv").read_text())
    (case / "demand.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    verdict = judge(["-q", "check", str(case)], tmp_path)
    assert (verdict.faults, verdict.code) == ((), 1)
    assert words in verdict.said


@pytest.mark.parametrize("change", [lambda t: b"\xef\xbb\xbf" + t, lambda t: t.replace(b"\n", b"\r\n")])
def test_byte_order_mark_and_line_ends_change_nothing(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    case = _toy(tmp_path)
    before = load_case(case).tables["demand"]
    for path in case.iterdir():
        path.write_bytes(change(path.read_bytes()))
    assert load_case(case).tables["demand"].equals(before)


def test_minus_zero_is_zero(tmp_path: Path) -> None:
    case = _toy(tmp_path)
    (case / "demand.csv").write_text("market,year,demand_t_per_year\nmarket,2027,-0.0\n")
    assert math.copysign(1.0, float(load_case(case).tables["demand"]["demand_t_per_year"][0])) == 1.0


WORDS = {
    "cap that is no number": (["--max-loss", "nan"], 2),
    "budget that is no number": (["--budget-musd", "nan"], 2),
    "gap that is no number": (["--gap", "nan"], 2),
    "limit that is no number": (["--time-limit", "nan"], 2),
    "seed below zero": (["--seed", "-5"], 2),
    "seed beyond the solver's": (["--seed", str(10**30)], 2),
    "run inside a file": (["-o", "case.toml/run"], 2),
    "run of an endless name": (["-o", "x" * 5000], 2),
}


@pytest.mark.parametrize("name", WORDS)
def test_options_that_make_no_sense_are_wrong_usage(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = _toy(tmp_path)
    monkeypatch.chdir(case)
    words, code = WORDS[name]
    verdict = judge(["-q", "solve", str(case), "--workers", "1", *words], tmp_path, (code,))
    assert verdict.faults == ()


def test_a_name_too_long_for_the_system_is_no_case(tmp_path: Path) -> None:
    verdict = judge(["check", "x" * 5000], tmp_path)
    assert (verdict.faults, verdict.code) == ((), 1)
