"""Text of tables made fit for files: nothing XML forbids, nothing that runs off a box."""

from __future__ import annotations

import re

from optimizer.report.theme import text_width

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
STAND_IN = "\ufffd"


def plain(text: object) -> str:
    """Text on one line without what XML forbids (shown as U+FFFD) and without marks that turn the words after it."""
    cleaned = _TURNING.sub("", _FORBIDDEN.sub(STAND_IN, str(text)))
    return " ".join(cleaned.split())


def fitted(text: object, width: float, size: float) -> str:
    """Text that fits into ``width`` at a type size, both in the same unit; what does not fit ends in "…"."""
    line = plain(text)
    if text_width(line, size) <= width:
        return line
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(line[:middle] + "…", size) <= width else (low, middle - 1)
    return line[:low].rstrip(" ,;(") + "…"


def broken(text: object, width: float, size: float, most: int = 3) -> list[str]:
    """Text broken between words (inside one that is too long) into at most ``most`` lines of a width."""
    lines: list[str] = []
    words = plain(text).split(" ")
    while words and len(lines) < most - 1:
        count = 1
        while count < len(words) and text_width(" ".join(words[: count + 1]), size) <= width:
            count += 1
        lines.append(fitted(" ".join(words[:count]), width, size))
        words = words[count:]
    return [*lines, fitted(" ".join(words), width, size)] if words else lines
