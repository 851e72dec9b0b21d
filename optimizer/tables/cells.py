"""From the text of one cell to a value, or to what is wrong with it."""

from __future__ import annotations

import math
import re
from datetime import date

from optimizer.tables.package import Field
from optimizer.tables.text import shorten

Value = str | float | int | bool | None

LARGEST_NUMBER = 1e12
"""Numbers beyond this are faults of entry: no amount of any table comes near, and solvers fail on them."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d+")
_GROUPED = re.compile(r"[+-]?\d{1,3}([ '\u2019_\u00a0\u202f,]\d{3})+(\.\d+)?")
_NOT_FINITE = {"nan", "inf", "infinity", "#n/a", "#num!", "#div/0!", "#value!", "#ref!"}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class CellError(ValueError):
    """A cell that cannot be taken: code, what would be allowed, and what to do."""

    def __init__(self, code: str, allowed: str, remedy: str) -> None:
        super().__init__(code)
        self.code, self.allowed, self.remedy = code, allowed, remedy


def parse_cell(text: str, field: Field) -> Value:
    """Return the value of a cell: None if it is empty, else text, a number or a truth value by the column's type.

    Raises:
        CellError: with code T015 to T018, T023 or T042.
    """
    text = text.strip()
    if not text:
        return None
    if field.type == "string":
        return _parse_text(text, field)
    if field.type == "boolean":
        if text.lower() not in _BOOLEANS:
            raise CellError("T018", "true or false", "write true or false")
        return _BOOLEANS[text.lower()]
    number = _parse_number(text)
    if field.type == "number":
        return number
    if number != int(number):
        raise CellError("T017", f"a whole number{_in_unit(field)}", "write a whole number")
    return int(number)


def _parse_text(text: str, field: Field) -> str:
    if not text.isprintable():
        raise CellError("T042", "text without control characters or line breaks", "retype the cell")
    if field.unit == "date":
        try:
            told = date.fromisoformat(text).isoformat()
        except ValueError:
            told = ""
        if told != text:  # weeks and dates without dashes are ISO dates too
            raise CellError("T023", "a date like 2027-01-31", "write year-month-day")
    return text


def _parse_number(text: str) -> float:
    if text.lower().lstrip("+-") in _NOT_FINITE:
        raise CellError("T016", "a finite number", "write the number, or leave the cell empty where it is optional")
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isinf(number) or abs(number) > LARGEST_NUMBER:
            remedy = "check the unit and the exponent; for `no limit` write a large amount such as 1000000"
            raise CellError("T016", f"a number up to {LARGEST_NUMBER:g}", remedy)
        return number + 0.0  # minus zero becomes zero
    if _GROUPED.fullmatch(text) and not _DECIMAL_COMMA.fullmatch(text):
        raise CellError("T015", "a number such as 1234.5", "take out the separators between thousands")
    if _DECIMAL_COMMA.fullmatch(text):
        remedy = "write a decimal point instead of the comma, and no separator between thousands"
        raise CellError("T015", "a number such as 1234.5", remedy)
    if text.endswith("%"):
        raise CellError("T015", "a share between 0 and 1", "write the share, for example 0.12 instead of 12 %")
    raise CellError("T015", "a number such as 1234.5", "write the number alone, without unit or sign of money")


def _in_unit(field: Field) -> str:
    return f" ({field.unit})" if field.unit else ""


def as_found(text: str) -> str:
    """Return the text of a cell as it is shown in a problem."""
    return f"`{shorten(text.strip())}`"
