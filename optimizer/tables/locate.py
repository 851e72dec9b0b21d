"""Where the shared tables and the shipped cases lie, in an installed wheel and in a checkout alike."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from optimizer.errors import DataProblem, Problem
from optimizer.tables.text import shorten

_PACKAGE_FOLDER = Path(__file__).resolve().parent.parent


def _root(name: str) -> Path:
    """Return the folder ``name``: inside the installed package if it was shipped there, else beside the package."""
    shipped = _PACKAGE_FOLDER / "shipped" / name
    return shipped if shipped.is_dir() else _PACKAGE_FOLDER.parent / name


def data_root() -> Path:
    """Return the folder of the shared tables (the one that holds ``datapackage.json``)."""
    return _root("data")


def cases_root() -> Path:
    """Return the folder that holds the shipped cases."""
    return _root("cases")


def shipped_cases() -> list[str]:
    """List the names of the shipped cases, sorted."""
    root = cases_root()
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if (folder / "case.toml").is_file())


def find_case(name_or_path: str | Path) -> Path:
    """Return the folder of a case given as a folder, as its ``case.toml``, or as the name of a shipped case.

    A folder wins over a shipped case of the same name.

    Raises:
        DataProblem: there is neither such a folder nor such a shipped case (T001).
    """
    text = str(name_or_path)
    path = Path(name_or_path)
    if text and path.name == "case.toml" and _is_there(path.is_file):
        return path.parent
    if text and _is_there((path / "case.toml").is_file):
        return path
    names = shipped_cases()
    if text in names:
        return cases_root() / text
    raise DataProblem([_not_found(text, path, names)])


def _is_there(asked: Callable[[], bool]) -> bool:
    """What the system says; a name too long for it, or in a folder nobody may look into, is not there."""
    try:
        return asked()
    except OSError:
        return False


def _not_found(text: str, path: Path, names: list[str]) -> Problem:
    near = get_close_matches(text, names, n=1)
    if text and _is_there(path.is_dir):
        remedy = "put a case.toml into this folder, or make a case with `sourcing new NAME`"
    elif near:
        remedy = f"did you mean `{near[0]}`?"
    else:
        remedy = "give a folder that holds a case.toml, or make one with `sourcing new NAME`"
    allowed = "a folder with a case.toml"
    if names:
        allowed += ", or one of: " + ", ".join(names)
    return Problem("T001", shorten(text, 200) or "(empty name)", found="no case there", allowed=allowed, remedy=remedy)
