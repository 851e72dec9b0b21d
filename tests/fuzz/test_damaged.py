"""Damaged runs, batch files and workbooks: a command ends with its result or with words, and writes no more.

The long run: ``pytest -m long tests/fuzz`` (400 damaged runs, 2,000 batch files, 500 workbooks).
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from judge import FIT, judge
from mutants import TEXTS, TOYS, VALUES, bytes_of, toml_line
from openpyxl import Workbook

TOY = TOYS / "no-foresight"
QUICK = (["report"], ["explain"], ["runs", "show"], ["alternatives", "-n", "1"], ["map", "-o", "map.geojson"])
SLOW = (["stress", "--samples", "5"], ["sensitivity"], ["run", "--from-manifest"], ["frontier", "--resume"])
DAMAGES = ("flip", "flip", "cut", "empty", "gone", "folder", "link", "pipe", "other", "json", "json", "new")
READ_AGAIN = ("frontier.parquet", "inputs/lanes.parquet", "flows.parquet", "plans.npz", "case/demand.csv")
RUNS, BATCHES, BOOKS = 400, 2000, 500


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with parts."""
    folder = tmp_path_factory.mktemp("made")
    for words in (["frontier", str(TOY), "-o", "run", "--points", "2", "--workers", "1"], ["explain", "run"]):
        place = [str(folder / word) if word == "run" else word for word in words]
        verdict = judge(["-q", *place], folder / "none", seconds=120)
        assert (verdict.code, verdict.faults) == (0, ())
    return folder / "run"


def damage(run: Path, dice: random.Random) -> str:
    """One thing in a run folder becomes another; returns what."""
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.suffix != ".csv")
    path, other = dice.choice(files), dice.choice(files)
    what = dice.choice(
        ("flip", "flip", "cut", "empty", "gone", "folder", "link", "pipe", "other", "json", "json", "new")
    )
    content = bytearray(path.read_bytes())
    if what == "flip":
        for _ in range(dice.choice((1, 3, 30))):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
    elif what == "cut":
        path.write_bytes(content[: dice.randrange(len(content))])
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "other":
        shutil.copy(other, path)
    elif what == "json":
        path = dice.choice([run / "run.json", run / "audit.json", run / "seal.json", run / "explain" / "explain.json"])
        record = json.loads(path.read_text())
        name = dice.choice(sorted(record))
        if dice.random() < 0.3:
            del record[name]
        else:
            record[name] = dice.choice(VALUES)
        path.write_text(json.dumps(dice.choice((record, record, record, list(record), None))))
    elif what == "new":
        path = path.with_name(dice.choice(("extra.parquet", "extra.json", "offers.csv", "inputs.xlsx", "x" * 200)))
        path.write_bytes(content)
    else:
        path.unlink()
        {"folder": path.mkdir, "link": lambda: path.symlink_to("/dev/zero"), "pipe": lambda: os.mkfifo(path)}.get(
            what, lambda: None
        )()
    return f"{what} {path.relative_to(run)}"


def damaged(number: int, made: Path, place: Path, commands: tuple[list[str], ...]) -> str:
    """What is wrong with how a command took a damaged run; empty if nothing."""
    dice = random.Random(number)
    run = place / str(number) / "run"
    shutil.copytree(made, run)
    what = damage(run, dice)
    command, *options = dice.choice(commands)
    words = [command, str(run), *options]
    if command == "runs":
        words = ["runs", "show", str(run)]
    elif command == "run":
        words = ["run", "--from-manifest", str(run / "run.json"), "-o", str(run.parent / "again"), "--time-limit", "5"]
    elif command == "frontier":
        words = ["frontier", str(TOY), "-o", str(run), "--resume"]
    elif command == "map":
        words[-1] = str(run / options[-1])
    verdict = judge(["-q", *words], run, (*FIT, 2), 120)
    shutil.rmtree(run.parent)
    return f"{number}: {what}: {words}: {verdict.faults} {verdict.said[-800:]}" if verdict.faults else ""


def entries(record: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Places of all entries of a record, however deep."""
    pairs = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    return [at for name, value in pairs for at in ((*place, name), *entries(value, (*place, name)))]


def record_changed(number: int, made: Path, place: Path) -> str:
    """What is wrong with how a command took a run with an entry of a record, however deep, changed; or nothing."""
    dice = random.Random(number)
    run = place / str(number) / "run"
    shutil.copytree(made, run)
    path = run / dice.choice(("run.json", "run.json", "run.json", "audit.json", "explain/explain.json"))
    record = json.loads(path.read_text())
    *way, last = dice.choice(entries(record))
    within = record
    for step in way:
        within = within[step]
    if dice.random() < 0.3:
        del within[last]
    else:
        within[last] = dice.choice(VALUES)
    path.write_text(json.dumps(record))
    report, show, listed = ["report", str(run)], ["runs", "show", str(run)], ["runs", "list", "--root", str(run.parent)]
    resume = ["frontier", str(TOY), "-o", str(run), "--resume"]
    words = dice.choice((report, report, ["explain", str(run)], show, listed, resume, ["compare", str(made), str(run)]))
    verdict = judge(["-q", *words], run, (*FIT, 2), 120)
    shutil.rmtree(run.parent)
    told = f"{number}: {path.name} {(*way, last)}: {words}: {verdict.faults} {verdict.said[-800:]}"
    return told if verdict.faults else ""


def test_records_changed_anywhere_are_refused_with_words_or_read(made: Path, tmp_path: Path) -> None:
    assert [told for number in range(8) if (told := record_changed(number, made, tmp_path))] == []


@pytest.mark.long
def test_four_hundred_changed_records(made: Path, tmp_path: Path) -> None:
    assert [told for number in range(100, 100 + RUNS) if (told := record_changed(number, made, tmp_path))] == []


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after it had found its points, and would go on from them; its target."""
    from optimizer.jobs.prepare import COST, LOSS, prepare
    from optimizer.results.folder import RunFolder
    from optimizer.results.kept import kept_journal
    from optimizer.solve.effort import Effort
    from optimizer.solve.frontier import trace_frontier

    target, program = tmp_path_factory.mktemp("stopped") / "run", prepare(TOY).program
    with RunFolder(target) as folder:
        trace_frontier(program, COST, LOSS, effort=Effort(points=2, workers=1), journal=kept_journal(folder, program))
    with RunFolder(target, is_resumed=True):  # notes that it was taken up
        return target


@pytest.mark.parametrize("name", ["answer-000002.npz", "resumed.json"])
@pytest.mark.parametrize("what", ["flip", "cut", "pipe", "bare"])
def test_a_damaged_point_of_an_unfinished_run_is_told(name: str, what: str, stopped: Path, tmp_path: Path) -> None:
    partial = Path(shutil.copytree(stopped.with_name("run.partial"), tmp_path / "run.partial"))
    path = partial / "points" / name
    content = path.read_bytes()
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)
    elif what == "bare" and path.suffix == ".npz":  # a point of this program in which nothing stands
        with np.load(io.BytesIO(content)) as stored:
            np.savez(path, record=stored["record"])
    else:
        flipped = bytes(byte ^ (0x80 if k % 20 == 10 else 0) for k, byte in enumerate(content))
        path.write_bytes({"flip": flipped, "cut": content[: len(content) // 2], "bare": b"{}"}[what])
    verdict = judge(["-q", "frontier", str(TOY), "-o", str(tmp_path / "run"), "--resume"], tmp_path, (1,))
    assert [fault for fault in verdict.faults if (fault, what) != ("something was written", "bare")] == []
    assert f"[R002] {path}" in verdict.said
    assert "remedy: take the file away" in verdict.said


def test_damaged_runs_are_refused_with_words(made: Path, tmp_path: Path) -> None:
    assert [told for number in range(12) if (told := damaged(number, made, tmp_path, QUICK))] == []


@pytest.mark.long
@pytest.mark.parametrize("block", range(8))
def test_four_hundred_damaged_runs(block: int, made: Path, tmp_path: Path) -> None:
    numbers = range(100 + block * RUNS // 8, 100 + (block + 1) * RUNS // 8)
    assert [told for number in numbers if (told := damaged(number, made, tmp_path, QUICK + SLOW))] == []


@pytest.mark.parametrize(
    "name", ["frontier.parquet", "inputs/lanes.parquet", "flows.parquet", "plans.npz", "case/demand.csv"]
)
def test_every_change_of_what_is_read_again_is_told(name: str, made: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    content = bytearray((run / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run / name).write_bytes(content)
    verdict = judge(["-q", "explain", str(run)], run)
    assert (verdict.code, verdict.faults) == (1, ())
    assert f"[R009] {run / name}; found other content than the run wrote" in verdict.said


def test_a_changed_csv_table_does_no_harm(made: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(made, run)
    (run / "costs.csv").write_text("opened and saved by a spreadsheet\n")
    assert judge(["-q", "runs", "show", str(run)], run).code == 0


BATCH = f"""
title = "Rates and duties"
cases = ["{TOY}"]
[options]
points = 3
seed = 1
[vary]
"finance.discount_rate_share" = [0.05, 0.1]
[[vary_rows]]
name = "demand"
table = "demand"
key = ["market", 2027]
column = "demand_t_per_year"
factors = [0.9, 1.1]
[[variation]]
name = "short"
set = {{ "shocks.window_months" = 12.0 }}
[[variation]]
name = "more"
rows = [{{ table = "demand", key = "market|2027", column = "demand_t_per_year", factor = 1.5 }}]
"""


def foretold(number: int, place: Path) -> str:
    """What is wrong with how a batch file, changed somewhere, was read and planned; empty if nothing."""
    dice = random.Random(number)
    folder = place / str(number)
    folder.mkdir()
    path = folder / "case.toml"  # the name that the changers of text expect
    lines = BATCH.splitlines()
    for _ in range(dice.choice((0, 1, 1, 2))):
        at = dice.randrange(1, len(lines))
        head, mark, _ = lines[at].partition(" = ")
        value = dice.choice((*VALUES, *TEXTS))
        text = json.dumps(value) if dice.random() < 0.8 else str(value)
        lines[at] = f"{head}{mark}{text}" if mark else lines[dice.randrange(1, len(lines))]
    path.write_text("\n".join(lines), encoding="utf-8")
    if dice.random() < 0.3:
        bytes_of(folder, dice)
    if dice.random() < 0.2:
        toml_line(folder, dice)
    path = path.rename(folder / "batch.toml")
    verdict = judge(["-q", "batch", str(path), "--dry-run", "--root", str(folder / "none")], folder, (*FIT, 2))
    shutil.rmtree(folder)
    return f"{number}: {verdict.faults} {verdict.said[-800:]}" if verdict.faults else ""


def test_changed_batch_files_are_refused_with_words_or_planned(tmp_path: Path) -> None:
    assert [told for number in range(20) if (told := foretold(number, tmp_path))] == []


@pytest.mark.long
@pytest.mark.parametrize("block", range(4))
def test_two_thousand_batch_files(block: int, tmp_path: Path) -> None:
    numbers = range(100 + block * BATCHES // 4, 100 + (block + 1) * BATCHES // 4)
    assert [told for number in numbers if (told := foretold(number, tmp_path))] == []


def test_a_batch_of_more_jobs_than_anyone_means_is_refused(tmp_path: Path) -> None:
    keys = ("finance.discount_rate_share", "shocks.window_months", "measure.alpha", "contracts.surge_share")
    rows = "\n".join(f'"{key}" = {[round(0.001 * k, 3) for k in range(1, 900)]}' for key in keys)
    path = tmp_path / "batch.toml"
    path.write_text(f'cases = ["{TOY}"]\n[vary]\n{rows}\n')
    verdict = judge(["-q", "batch", str(path), "--dry-run", "--root", str(tmp_path)], tmp_path, seconds=10)
    assert (verdict.code, verdict.faults) == (1, ())
    assert "6.53189e+11 combinations; allowed: at most 10000" in verdict.said  # 899 to the fourth


def workbook_case(number: int, place: Path) -> str:
    """What is wrong with how a workbook with faults was read; empty if nothing."""
    dice = random.Random(number)
    case = place / str(number)
    shutil.copytree(TOY, case)
    book = Workbook()
    for path in (case / "demand.csv", case / "offers.csv"):
        sheet = book.create_sheet(dice.choice((path.stem, path.stem, path.stem, path.stem[:-1], path.stem.upper())))
        for line in path.read_text().splitlines():
            sheet.append(line.split(","))
        for _ in range(dice.choice((0, 1, 3))):
            value = dice.choice((*(text for text in TEXTS if text.isprintable()), 1e308, -0.0, True, "=1/0", "=A1"))
            sheet.cell(dice.randrange(1, 6), dice.randrange(1, 8), value)
        path.unlink()
    book.save(case / "inputs.xlsx")
    if dice.random() < 0.5:
        spoilt(case / "inputs.xlsx", dice)
    verdict = judge(["-q", "check", str(case)], case)
    shutil.rmtree(case)
    return f"{number}: {verdict.faults} {verdict.said[-800:]}" if verdict.faults else ""


def spoilt(path: Path, dice: random.Random) -> None:
    """Bytes of the archive or of a part in it change; parts go or come twice."""
    if dice.random() < 0.5:
        content = bytearray(path.read_bytes())
        for _ in range(dice.choice((1, 5, 50))):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content[: dice.choice((len(content), dice.randrange(len(content))))])
        return
    with zipfile.ZipFile(path) as book:
        parts = {name: bytearray(book.read(name)) for name in book.namelist()}
    name = dice.choice(sorted(parts))
    if dice.random() < 0.3:
        del parts[name]
    else:
        at = dice.randrange(len(parts[name]) + 1)
        parts[name][at : at + dice.randrange(20)] = dice.choice((b"", b"<", b"&x;", b'"', b"\xff", b"999999999"))
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, bytes(content))


def test_workbooks_with_faults_are_refused_with_words_or_read(tmp_path: Path) -> None:
    assert [told for number in range(15) if (told := workbook_case(number, tmp_path))] == []


@pytest.mark.long
@pytest.mark.parametrize("block", range(2))
def test_five_hundred_workbooks(block: int, tmp_path: Path) -> None:
    numbers = range(100 + block * BOOKS // 2, 100 + (block + 1) * BOOKS // 2)
    assert [told for number in numbers if (told := workbook_case(number, tmp_path))] == []


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    case = Path(shutil.copytree(TOY, tmp_path / "case"))
    with zipfile.ZipFile(case / "inputs.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * 70_000_000)
    verdict = judge(["-q", "check", str(case)], case, seconds=10)
    assert (verdict.code, verdict.faults) == (1, ())
    assert "more than 64 MB unpacked" in verdict.said


def test_a_table_of_200_000_faulty_rows_is_told_at_once(tmp_path: Path) -> None:
    case = Path(shutil.copytree(TOY, tmp_path / "case"))
    rows = "".join(f"market,{2027 + k % 3},-{k}\n" for k in range(200_000))
    (case / "demand.csv").write_text(f"market,year,demand_t_per_year\n{rows}")
    verdict = judge(["-q", "check", str(case)], case, seconds=60)
    assert (verdict.code, verdict.faults) == (1, ())
    lines = verdict.said.splitlines()
    assert lines[0].startswith("sourcing: 399997 problems in the input")  # a third of the years, most keys, all but 0
    assert len(lines) == 1 + 200 + 2
    assert [line.split()[0] for line in lines[-2:]] == ["and", "and"]


UNWRITABLE = ("/proc/run", "/proc/self/run", "/sys/run", "/dev/null/run", "/dev/full", "/etc/hostname/run")


@pytest.mark.parametrize("place", UNWRITABLE)
@pytest.mark.parametrize("command", ["solve", "frontier", "run"])
def test_a_place_where_nothing_can_be_written_is_wrong_usage(command: str, place: str, tmp_path: Path) -> None:
    verdict = judge(["-q", command, str(TOY), "-o", place, "--workers", "1"], tmp_path, (2,))
    assert verdict.faults == ()
    assert place in verdict.said or str(Path(place).parent) in verdict.said
