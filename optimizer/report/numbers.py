"""Figures as a reader wants them: few digits, the unit beside (1.2 kt, USD 84/kg, 37 %, MUSD 512, 0.4 months)."""

from __future__ import annotations

import math

MISSING = "–"  # noqa: RUF001 - the dash of a table without a figure


def figure(value: float, digits: int = 3) -> str:
    """A number to ``digits`` significant digits, without trailing zeros; thousands apart from 10 000 on."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}" if abs(value) >= 10_000 else f"{value:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace(",", "\u202f").replace("-", "\u2212")


def mass(tonnes: float) -> str:
    """Tonnes as t, kt or Mt with two or three digits."""
    for unit, scale in (("Mt", 1e6), ("kt", 1e3)):
        if abs(tonnes) >= scale:
            return f"{figure(tonnes / scale, 2 if abs(tonnes) < 10 * scale else 3)} {unit}"
    if 0 < abs(tonnes) < 0.1:
        return "< 0.1 t"
    return f"{figure(tonnes, 3 if abs(tonnes) >= 100 else 2)} t"


def usd_per_kg(value: float) -> str:
    """A unit cost."""
    return f"USD {figure(value)}/kg"


def musd(value: float) -> str:
    """An amount of money in million US dollars."""
    return f"MUSD {figure(value)}"


def percent(share: float) -> str:
    """A share between 0 and 1 in per cent: two digits, three near the whole."""
    if not math.isfinite(share):
        return MISSING
    if 0 < abs(share) < 0.0005:
        return "< 0.1 %"
    return f"{figure(100 * share, 2 if abs(share) < 0.995 else 3)} %"


def percent_words(share: float) -> str:
    """The same inside a sentence: "less than 0.1 %" where a table has a sign."""
    return percent(share).replace("< ", "less than ")


def ratio(part: float, whole: float) -> float:
    """Part over whole; not a number if there is no whole."""
    return part / whole if whole else math.nan


def months(value: float) -> str:
    """A time in months: three digits, two places at most; below a hundredth it is 0."""
    text = figure(round(value, 2), 3)
    return f"{text} month{'' if text == '1' else 's'}"


def load(value: float, unit: str) -> str:
    """An environmental load: kilograms as t, kt or Mt of what the unit names, other units in thousands or millions."""
    what = unit.removeprefix("kg").strip()
    if unit.startswith("kg"):
        return f"{mass(value / 1000)} {what}".strip()
    for word, scale in (("million", 1e6), ("thousand", 1e3)):
        if abs(value) >= scale:
            return f"{figure(value / scale)} {word} {what}".strip()
    return f"{figure(value)} {what}".strip()
