"""Mutants of case folders: the toys, changed cell by cell, key by key, byte by byte, file by file.

Every mutant is a function of its number alone, so a failure is repeated by that number.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import random
import shutil
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import tomli_w

from optimizer.tables.case_file import known_keys
from optimizer.tables.locate import data_root
from optimizer.tables.package import Field, Package, load_package

TOYS = Path(__file__).parents[1] / "toys"
SEEDS = sorted(path.parent for path in TOYS.glob("*/case.toml"))

NUMBERS = (
    *("0", "-0", "-0.0", "+0", "1", "-1", "0.5", "2", "100", "2027", "1e12", "999999999999", "1000000000001", "1e-12"),
    *("1e-300", "5e-324", "1e308", "-1e308", "1e309", "1e999", "nan", "NaN", "-nan", "inf", "-Infinity", "1.", ".5"),
    *(
        "1,5",
        "1.234,5",
        "1 234",
        "1'234",
        "1_000",
        "0x1f",
        "12%",
        "12 %",
        "10 t",
        "$3",
        "٣",
        "\uff11\uff12",
        "²",
        "--1",
        "1e",
        "e5",
        "#N/A",
        "#REF!",
        "=1+1",
        "TRUE",
        "null",
        "None",
        "-",
        "9" * 400,
        "0." + "0" * 400 + "1",
        "1e" + "9" * 50,
    ),
)
TEXTS = (
    *(
        "",
        " ",
        "*",
        "a",
        "name with spaces",
        "ünïcödé",
        "日本",
        "🚢",
        "e\u0301",
        "\u202egnirts",
        "\ufeffx",
        "a\u00a0b",
        "\u200b",
    ),
    *(
        "../../etc/passwd",
        "..",
        "/etc/passwd",
        "C:\\x",
        "~root",
        ".hidden",
        "a/b",
        "a|b",
        "a;b",
        "a>b",
        "a:b",
        "-o",
        "a..b",
    ),
    *("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "{0}", "{x.__class__}", "%s%n", "${HOME}"),
    *(
        "`id`",
        "a\x07b",
        "a\nb",
        "a\tb",
        "x" * 5000,
        '"',
        "'",
        "\\",
        "nominal",
        "market",
        "AAA",
        "both",
        "supplier",
        "buyer",
    ),
    *("true", "false", "2027-02-30", "2027-01-31", "0000-00-00", "99999-01-01", "20270131", "\ud7ff", "\U0010ffff"),
)
VALUES: tuple[Any, ...] = (
    *(0, -0.0, 1, -1, 0.5, 2, 12, 100, 2027, 2028, 1950, 2100, 1e12, 1e308, -1e308, float("nan"), float("inf"), 5e-324),
    *(10**30, -(2**63), 1e-9, True, False, "", "x", "*", "2027", "../x", "x" * 3000, [], [[]], {}, {"a": 1}, [1, "a"]),
    *(
        [2027],
        [2027, 2027],
        ["x"],
        ["x", "x"],
        [{}],
        [{"name": "x"}],
        {"2027": 1.0},
        {"2027": "a"},
        {"a": {"b": {"c": []}}},
    ),
    *("worst_case", "expected", "cvar", "low", "high", "shared", "none", "delay", "stock", "content", "transshipment"),
)


@cache
def package() -> Package:
    """The data package of the tables."""
    return load_package(data_root())


@cache
def keys() -> tuple[str, ...]:
    """Dotted names of all keys of ``case.toml``."""
    return tuple(name for name, _ in known_keys())


def grow(number: int, folder: Path) -> Path:
    """Write mutant ``number`` into a new folder below ``folder``; one to three changes of a toy.

    Once a file is a pipe, a device or the like, nothing more is changed: to read it could take for ever.
    """
    dice = random.Random(number)
    case = folder / f"m{number}"
    shutil.copytree(dice.choice(SEEDS), case)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        dice.choices(CHANGES, WEIGHTS)[0](case, dice)
        if not all(path.is_file() for path in case.iterdir()):
            break
    return case


def _table(case: Path, dice: random.Random) -> Path:
    files = [path for path in sorted(case.glob("*.csv")) if path.is_file() and not path.is_symlink()]
    return dice.choice(files or [case / "case.toml"])


def _any_file(case: Path, dice: random.Random) -> Path:
    return case / "case.toml" if dice.random() < 0.3 else _table(case, dice)


def _rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8", "replace").replace("\x00", ""), newline="")))


def _write(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))


def cell(case: Path, dice: random.Random) -> None:
    """One cell becomes something else: a number of any sort, a text of any sort, or a cell of elsewhere."""
    path = _table(case, dice)
    rows = _rows(path)
    if len(rows) < 2 or not rows[1]:
        return
    row = dice.randrange(1, len(rows))
    if not rows[row]:
        return
    column = dice.randrange(len(rows[row]))
    other = dice.choice(_rows(_table(case, dice)) or [[""]]) or [""]
    rows[row][column] = dice.choice((dice.choice(NUMBERS), dice.choice(TEXTS), dice.choice(other)))
    _write(path, rows)


def likely_cell(case: Path, dice: random.Random) -> None:
    """One cell becomes another that its column might take: often accepted, and so carried on to the model."""
    path = _table(case, dice)
    rows = _rows(path)
    resource = package().resources.get(path.stem)
    if resource is None or len(rows) < 2:
        return
    row, column = dice.randrange(1, len(rows)), dice.randrange(len(rows[0]))
    name = rows[0][column]
    if name not in resource.columns or column >= len(rows[row]):
        return
    rows[row][column] = _likely(resource.field(name), [r[column] for r in rows[1:] if column < len(r)], dice)
    _write(path, rows)


def _likely(field: Field, known: list[str], dice: random.Random) -> str:
    if field.enum:
        return dice.choice(field.enum)
    if field.type == "boolean":
        return dice.choice(("true", "false"))
    if field.type == "string":
        return dice.choice((*known, "*", ""))
    low, high = field.minimum or 0.0, field.maximum if field.maximum is not None else 1e12
    number = dice.choice((low, high, 0.0, 1.0, 2027.0, 2028.0, 12.0, 1e-9, 10 ** dice.uniform(-9, 12)))
    return str(int(number)) if field.type == "integer" else repr(number)


def row(case: Path, dice: random.Random) -> None:
    """Rows go, come twice, change places, lose or gain cells."""
    path = _table(case, dice)
    rows = _rows(path)
    if len(rows) < 2:
        return
    at = dice.randrange(len(rows))
    what = dice.randrange(6)
    if what == 0:
        del rows[at]
    elif what == 1:
        rows.insert(at, list(rows[at]))
    elif what == 2:
        dice.shuffle(rows)
    elif what == 3:
        rows[at] = rows[at][:-1]
    elif what == 4:
        rows[at].append(dice.choice(TEXTS))
    else:
        rows = rows[:1]
    _write(path, rows)


def column(case: Path, dice: random.Random) -> None:
    """Columns go, change places, change names."""
    path = _table(case, dice)
    rows = [list(row) for row in _rows(path)]
    if not rows or not rows[0]:
        return
    at, to = dice.randrange(len(rows[0])), dice.randrange(len(rows[0]))
    what = dice.randrange(4)
    for row in rows:
        if at < len(row) and to < len(row):
            if what == 0:
                del row[at]
            elif what == 1:
                row[at], row[to] = row[to], row[at]
    if what == 2:
        rows[0][at] = dice.choice((*TEXTS, rows[0][to], rows[0][at].upper(), f" {rows[0][at]} "))
    elif what == 3:
        rows[0][at] = rows[0][at].replace("_t_", "_kg_").replace("usd", "eur").replace("share", "percent")
    _write(path, rows)


def new_table(case: Path, dice: random.Random) -> None:
    """A table the toy does not have, filled with what its columns might take."""
    resource = dice.choice(list(package().resources.values()))
    path = case / resource.path
    if path.exists():
        return
    pool = [
        text for table in sorted(case.glob("*.csv")) if table.is_file() for line in _rows(table)[1:] for text in line
    ]
    rows = [[_likely(field, pool or ["x"], dice) for field in resource.fields] for _ in range(dice.randrange(4))]
    _write(path, [list(resource.columns), *rows])


def spelling(case: Path, dice: random.Random) -> None:
    """The same text as other programs write it: byte order mark, line ends, semicolons, decimal commas, UTF-16."""
    path = _any_file(case, dice)
    if not path.is_file():
        return
    text = path.read_bytes().decode("utf-8", "replace")
    forms: tuple[Callable[[], bytes], ...] = (
        lambda: b"\xef\xbb\xbf" + text.encode(),
        lambda: text.replace("\n", "\r\n").encode(),
        lambda: text.replace("\n", "\r").encode(),
        lambda: text.replace(",", ";").encode(),
        lambda: text.replace(",", ";").replace(".", ",").encode(),
        lambda: text.replace(",", "\t").encode(),
        lambda: text.replace(".", ",").encode(),
        lambda: text.encode("utf-16"),
        lambda: text.encode("latin-1", "replace") + b"\xe9\n",
        lambda: (text + "\u2028" + text).encode(),
        lambda: text.replace("\n", "\n\n\n").encode(),
        lambda: b"sep=,\n" + text.encode(),
    )
    path.write_bytes(dice.choice(forms)())


def key(case: Path, dice: random.Random) -> None:
    """A key of ``case.toml`` takes another value, goes, or takes another name."""
    path = case / "case.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError):
        return
    *sections, name = dice.choice(keys()).split(".")
    place = content
    for section in sections:
        place = place.setdefault(section, {})
        if isinstance(place, list):
            place = place[0] if place else {}
        if not isinstance(place, dict):
            return
    what = dice.randrange(8)
    if what == 0:
        place.pop(name, None)
    elif what == 1:
        place[name + dice.choice(("s", "_x", " ", "é"))] = place.pop(name, 1)
    else:
        place[name] = dice.choice(VALUES)
    with contextlib.suppress(RecursionError):  # an earlier change may have made it deeper than the writer goes
        path.write_text(tomli_w.dumps(content), encoding="utf-8")


def toml_line(case: Path, dice: random.Random) -> None:
    """Lines of TOML that mean trouble: deep, huge, endless, twice."""
    path = case / "case.toml"
    if not path.is_file():
        return
    deep = dice.choice((50, 400, 5000))
    lines = (
        f"deep = {'[' * deep}{']' * deep}",
        f"deep = {'{a=' * deep}1{'}' * deep}",
        ".".join(["a"] * deep) + " = 1",
        f"[{'.'.join(['a'] * deep)}]",
        f"huge = {'9' * deep}",
        "huge = 0x" + "f" * deep,
        "[[limits.share_cap]]\n" * dice.choice((1, 300)),
        f'long = """\n[{" " * deep}"""',
        "title = 'again'",
        "when = 1979-05-27T07:32:00Z",
        "[horizon]\nfirst_year = 2027",
        'bad = "\\uD800"',
        "x = 1 # \x00",
        "\x1b[31m = 1",
        '"\\u0000" = 1',
        "[tables.remove]\nfacilities = ['x', 1, ['a', 'b'], [[['c']]]]",
        "[tables.remove]\n'../x' = ['y']",
    )
    text = path.read_bytes().decode("utf-8", "replace")
    line = dice.choice(lines)
    path.write_bytes((f"{line}\n{text}" if dice.random() < 0.5 else f"{text}\n{line}\n").encode())


def bytes_of(case: Path, dice: random.Random) -> None:
    """Bytes flip, come, go, come twice; a file ends early."""
    path = _any_file(case, dice)
    if not path.is_file():
        return
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        at = dice.randrange(len(content) + 1)
        what = dice.randrange(6)
        if what == 0 and at < len(content):
            content[at] ^= 1 << dice.randrange(8)
        elif what == 1:
            content[at:at] = bytes([dice.randrange(256)])
        elif what == 2:
            del content[at : at + dice.randrange(1, 8)]
        elif what == 3:
            content[at:at] = content[at : at + dice.randrange(1, 40)]
        elif what == 4:
            content[at:at] = dice.choice(
                (b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b"\\", b"=", b"[", b"#", b"\xed\xa0\x80")
            )
        elif dice.random() < 0.2:
            del content[at:]
    path.write_bytes(bytes(content))


def files(case: Path, dice: random.Random) -> None:
    """Files go, become folders, pipes, links to elsewhere or to themselves, or take other names."""
    path = _any_file(case, dice)
    what = dice.randrange(9)
    if what == 5:
        (case / dice.choice(("offer.csv", "DEMAND.CSV", "a b.csv", "..csv", "x" * 200 + ".csv", "data.xls"))).touch()
        return
    if what == 6:
        (case / "inputs.xlsx").write_bytes(
            dice.choice((b"", b"PK\x03\x04", b"PK\x05\x06" + b"\x00" * 18, b"no workbook"))
        )
        return
    path.unlink(missing_ok=True)
    if what == 1:
        path.mkdir(exist_ok=True)
    elif what == 2:
        path.symlink_to(
            dice.choice(("/etc/passwd", "../../../../etc/passwd", "/dev/zero", "/dev/null", "/nowhere", "."))
        )
    elif what == 3:
        path.symlink_to(path.name)
    elif what == 4:
        path.touch()
    elif what == 7:
        os.mkfifo(path)


CHANGES: tuple[Callable[[Path, random.Random], None], ...] = (
    *(cell, likely_cell, row, column, new_table, spelling, key, toml_line, bytes_of, files),
)
WEIGHTS = (4, 5, 2, 1, 2, 2, 5, 1, 3, 1)
