"""A case or a run folder is data: nothing in the package could run code from it, and no file beside it is imported."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "optimizer"

RUNS_CODE = {"eval", "exec", "compile", "__import__", "execfile"}
"""Built-in functions that make code of text."""

NEVER_IMPORTED = {
    *("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "code", "runpy"),
    *("subprocess", "ctypes", "requests", "aiohttp", "httpx", "ftplib", "smtplib", "webbrowser"),
}
"""Modules that load code from files, start programs, or ask the network."""

NEVER_CALLED = {"read_pickle", "to_pickle", "unsafe_load", "mktemp", "system", "popen", "eval", "read_html", "urlopen"}
"""Methods that run what they are given, open what is not there yet under a name anybody can foresee, or fetch."""

MAY_IMPORT_BY_NAME = {"__init__.py", "cli/main.py"}
"""Modules that import what a table of their own names; nothing that is read names a module."""


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, bool]]:
    """Every call with the name of what is called, and whether that is a method or a function of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node, node.func.id, False
            elif isinstance(node.func, ast.Attribute):
                yield node, node.func.attr, True


def is_constant(node: ast.Call, keyword: str, value: object) -> bool:
    return any(k.arg == keyword and isinstance(k.value, ast.Constant) and k.value.value is value for k in node.keywords)


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def faults(source: str, name: str) -> list[str]:
    """What in a module could run code, fetch, or write where somebody else decides."""
    tree = ast.parse(source)
    found = []
    for line, module in imported(tree):
        if module.split(".")[0] in NEVER_IMPORTED or module.startswith(("urllib.request", "http.")):
            found.append(f"{name}:{line} imports {module}")
    for node, called, is_method in calls(tree):
        place = f"{name}:{node.lineno} {called}"
        if (called in RUNS_CODE and not is_method) or (called in NEVER_CALLED and is_method):
            found.append(place)
        elif called == "load" and is_method and ast.unparse(node.func).startswith(("np.", "numpy.")):
            if not is_constant(node, "allow_pickle", False):
                found.append(f"{place} without allow_pickle=False")
        elif called == "import_module" and name not in MAY_IMPORT_BY_NAME:
            found.append(place)
        elif called == "query" and node.args and not isinstance(node.args[0], ast.Constant):
            found.append(f"{place} of a text that is not written here")
        elif called == "extractall" and not any(k.arg == "filter" for k in node.keywords):
            found.append(f"{place} without a filter")
    return found


def test_nothing_in_the_package_could_run_code_from_a_file() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        found += faults(path.read_text(encoding="utf-8"), path.relative_to(PACKAGE).as_posix())
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)",
        "exec(text)",
        "import pickle",
        "from yaml import safe_load",
        "from urllib.request import urlopen",
        "import subprocess",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "frame.eval(text)",
        "frame.query(text)",
        "pd.read_pickle(path)",
        "tempfile.mktemp()",
        "os.system(text)",
        "import_module(text)",
        "content.extractall(folder)",
    ],
)
def test_the_gate_would_tell(line: str) -> None:
    assert len(faults(line, "some.py")) == 1


def test_templates_escape_what_they_are_given() -> None:
    kits = []
    for path in sorted((PACKAGE / "report").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        kits += [(path.name, node) for node, called, _ in calls(tree) if called == "Environment"]
    assert len(kits) == 2
    assert [name for name, node in kits if not is_constant(node, "autoescape", True)] == []


PLANTED = ("multiprocessing", "pickle", "signal", "json", "numpy", "sitecustomize", "usercustomize", "optimizer")
"""Names a Python process asks for when it starts, or a worker; as modules they lie beside the case."""


def test_python_files_beside_a_case_are_never_run(tmp_path: Path) -> None:
    """Started in the case's own folder, with worker processes: Python by itself would look for modules there."""
    case = tmp_path / "case"
    case.mkdir()
    for path in (ROOT / "tests" / "toys" / "one-plant").iterdir():
        (case / path.name).write_bytes(path.read_bytes())
    for name in PLANTED:
        (case / f"{name}.py").write_text(f"open({str(tmp_path / f'ran-{name}')!r}, 'w')\n")
    starter = tmp_path / "bin" / "starter.py"
    starter.parent.mkdir()
    starter.write_text("from optimizer.cli.main import main\nif __name__ == '__main__':\n    main()\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONSAFEPATH", None)
    words = [
        sys.executable,
        str(starter),
        "frontier",
        ".",
        "--points",
        "2",
        "--workers",
        "2",
        "-o",
        str(tmp_path / "run"),
    ]
    done = subprocess.run(words, cwd=case, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert sorted(path.name for path in tmp_path.glob("ran-*")) == []
    assert done.returncode == 0, done.stderr
