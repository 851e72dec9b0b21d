"""Reading files as text, and telling what is wrong with them when that fails."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from optimizer.errors import Problem

LARGEST_MB = 64
"""Larger files are refused unread: no table of a buyer comes near."""


def unfit_file(path: Path, label: str) -> list[Problem]:
    """Return why a file should not even be opened: no ordinary file (a pipe, a device), or far too large (T002)."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            found, allowed = "a pipe or a device", "an ordinary file"
        elif path.is_file() and path.stat().st_size > LARGEST_MB * 1e6:
            found, allowed = f"{path.stat().st_size / 1e6:.0f} MB", f"at most {LARGEST_MB} MB"
        else:
            return []
    except OSError as error:
        found, allowed = error.strerror or type(error).__name__, "a readable file"
    return [Problem("T002", label, found=found, allowed=allowed, remedy="give the table as an ordinary text file")]


def read_text(path: Path, label: str) -> tuple[str, list[Problem]]:
    """Return the text of a UTF-8 file (a byte order mark is taken off) and what is wrong with it.

    Codes: T002 (cannot be read), T003 (not UTF-8).
    """
    unfit = unfit_file(path, label)
    if unfit:
        return "", unfit
    try:
        content = path.read_bytes()
    except OSError as error:
        found = error.strerror or type(error).__name__
        remedy = "check that the file exists and that you may read it"
        return "", [Problem("T002", label, found=found, allowed="a readable file", remedy=remedy)]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", [_not_utf8(label, "", "UTF-16 text")]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        row = str(content[: error.start].count(b"\n") + 1)
        return "", [_not_utf8(label, row, f"byte 0x{content[error.start]:02x}")]


def _not_utf8(label: str, row: str, found: str) -> Problem:
    remedy = "save the file as UTF-8 (in a spreadsheet: `CSV UTF-8`)"
    return Problem("T003", label, row, found=found, allowed="UTF-8 text", remedy=remedy)


def shorten(value: object, length: int = 60) -> str:
    """Return a value as text for a message, cut to ``length`` characters, control characters made visible."""
    text = str(value)
    text = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[: length + 1])
    return text if len(text) <= length else text[:length] + "…"


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the name most like ``name``, ignoring case, or None if none is near."""
    known = {candidate.lower(): candidate for candidate in names}
    near = get_close_matches(name.lower(), list(known), n=1, cutoff=cutoff)
    return known[near[0]] if near else None


def did_you_mean(name: str, names: Iterable[str], otherwise: str) -> str:
    """Return a remedy that names the nearest known name, or ``otherwise`` if none is near."""
    near = nearest(name, names)
    return f"did you mean `{near}`?" if near else otherwise
