"""Mutation testing of model, audit and frontier: change the code in one place and see whether a test fails.

    python benchmarks/mutation.py [--parts model audit solve] [--sample 50] [--seed 0] [--out FILE.jsonl]
    python benchmarks/mutation.py --report FILE.jsonl

A mutant is one change of one place: a comparison, an operator of arithmetic, a constant, a Boolean, a condition turned
round, a statement left out. ``--sample`` draws that many of each part, always the same ones for a seed. Each runs in a
process of its own, forked from one that has the libraries loaded, against the tests of its part, the quick ones
first, and ends at the first that fails. ``--out`` gets a line per mutant as it ends; what is there is not run again.
A mutant that computes for longer than the limit counts as caught: an endless test is seen.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.machinery
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIBRARIES = ("numpy", "scipy.sparse", "pandas", "pandera.pandas", "pyarrow.parquet", "pyomo.environ", "highspy", "rich")
SPAWNING = "two_workers or processes or ctrl_c or worker or time_limit"
"""Tests that start processes of their own, where the change is not, or that wait."""
TESTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "model": (("tests/model",), ("tests/toys",)),
    "audit": (("tests/audit", "-k", "corruption or hand_made"), ("tests/audit",)),
    "solve": (
        ("tests/solve", "--ignore=tests/solve/test_second_solver.py", "-k", f"not ({SPAWNING} or tells_its)"),
        ("tests/toys", "tests/solve/test_second_solver.py"),
    ),
}
"""Tests by part, in stages: what no stage catches survives."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.MatMult: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: where (``place`` counts the changes of the file), of what sort, from what to what."""

    part: str
    file: str
    place: int
    line: int
    sort: str
    before: str
    after: str

    @property
    def name(self) -> str:
        return f"{self.file}#{self.place}"


class Changer(ast.NodeTransformer):
    """Counts the places that can be changed; changes the one asked for."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted, self.found = wanted, []

    def offer(self, node: ast.AST, sort: str, other: ast.AST) -> Any:
        """Note a place; the other node if it is the one asked for."""
        self.found.append((getattr(node, "lineno", 0), sort, _text(node), _text(other)))
        if len(self.found) - 1 == self.wanted:
            return ast.copy_location(other, node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.body = [self.visit(statement) for statement in node.body]
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        return node  # wording

    def visit_Raise(self, node: ast.Raise) -> Any:
        return self.offer(node, "statement", ast.Pass())

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Constant):
            return node
        changed = self.offer(node, "statement", ast.Pass())
        return self.generic_visit(changed) if changed is node else changed

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        changed = self.offer(node, "statement", ast.Pass())
        return self.generic_visit(changed) if changed is node else changed

    def visit_If(self, node: ast.If) -> Any:
        node.test = self.offer(node.test, "condition", ast.UnaryOp(ast.Not(), node.test))
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        node.test = self.offer(node.test, "condition", ast.UnaryOp(ast.Not(), node.test))
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        node.ifs = [self.offer(test, "condition", ast.Constant(True)) for test in node.ifs]
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        other = copy.deepcopy(node)
        other.ops[0] = COMPARISONS[type(node.ops[0])]()
        changed = self.offer(node, "comparison", other)
        return self.generic_visit(changed) if changed is node else changed

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if type(node.op) not in OPERATORS:
            return self.generic_visit(node)
        other = copy.deepcopy(node)
        other.op = OPERATORS[type(node.op)]()
        changed = self.offer(node, "arithmetic", other)
        return self.generic_visit(changed) if changed is node else changed

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        other = copy.deepcopy(node)
        other.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        changed = self.offer(node, "boolean", other)
        return self.generic_visit(changed) if changed is node else changed

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not | ast.USub):
            changed = self.offer(node, "boolean" if isinstance(node.op, ast.Not) else "arithmetic", node.operand)
            if changed is not node:
                return changed
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool):
            return self.offer(node, "boolean", ast.Constant(not node.value))
        if isinstance(node.value, int | float):
            return self.offer(node, "constant", ast.Constant(node.value + 1 if node.value < 1e6 else 0))
        return node


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())[:160]


def places(part: str) -> list[Mutant]:
    """All mutants of a part, in the order of files and of places in them."""
    found = []
    for path in sorted((ROOT / "optimizer" / part).glob("*.py")):
        changer = Changer()
        changer.visit(ast.parse(path.read_text(encoding="utf-8")))
        file = str(path.relative_to(ROOT))
        found += [Mutant(part, file, place, *what) for place, what in enumerate(changer.found)]
    return found


def drawn(part: str, sample: int, seed: int) -> list[Mutant]:
    """Some of the mutants of a part, in an order that is the same for a seed."""
    every = places(part)
    return random.Random(f"{part} {seed}").sample(every, min(sample, len(every)))


def put_in(mutant: Mutant) -> None:
    """Have this process import the changed file in place of the file."""
    path = ROOT / mutant.file
    changer = Changer(mutant.place)
    tree = ast.fix_missing_locations(changer.visit(ast.parse(path.read_text(encoding="utf-8"))))
    code = compile(tree, str(path), "exec")
    usual = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: Any, name: str) -> Any:
        return code if Path(loader.path).resolve() == path else usual(loader, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


class FirstFailure:
    """Pytest plugin: keeps the name of the first test that failed."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.file.exists():
            self.file.write_text(report.nodeid)


def in_child(mutant: Mutant | None, words: Sequence[str], place: Path, seconds: int) -> int:
    """What the forked process does: change, test, end with pytest's exit code."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    out = os.open(place / "out", os.O_CREAT | os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    tempfile.tempdir = str(place)
    import pytest

    if mutant is not None:
        put_in(mutant)
    options = [
        "-x",
        "-q",
        "-n",
        "0",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "--no-header",
        f"--basetemp={place / 'tests'}",
    ]
    code = int(pytest.main([*options, *words], plugins=[FirstFailure(place / "failed")]))
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def judged(mutant: Mutant | None, words: Sequence[str], seconds: int) -> tuple[str, str]:
    """How a mutant fared in a stage: ``survived``, ``caught`` or ``endless``, and the test that failed."""
    place = Path(tempfile.mkdtemp(prefix="mutant-"))
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = in_child(mutant, words, place, seconds)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    until = time.monotonic() + 15 * seconds
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.05)
    failed = (place / "failed").read_text() if (place / "failed").exists() else "at import"
    told = (place / "out").read_text(errors="replace")[-800:] if mutant is None else failed
    shutil.rmtree(place, ignore_errors=True)
    if os.WIFSIGNALED(status):
        return "endless", f"signal {os.WTERMSIG(status)} after {used.ru_utime:.0f} s"
    return ("survived", "") if os.WEXITSTATUS(status) == 0 else ("caught", told)


def fate(mutant: Mutant, passed: int, stages: int, seconds: int) -> dict[str, Any]:
    """The record of a mutant that passed some stages: what it is, how it fared in the others, which test caught it."""
    outcome, test = "survived", ""
    for words in TESTS[mutant.part][passed:stages]:
        outcome, test = judged(mutant, words, seconds)
        if outcome != "survived":
            break
    return {**asdict(mutant), "stages": stages, "outcome": outcome, "test": test}


def records(file: Path) -> list[dict[str, Any]]:
    """The records kept, the last of each mutant."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return list({(r["file"], r["place"]): r for r in map(json.loads, lines)}.values())


def report(kept: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Score by part, and the survivors."""
    for part in sorted({record["part"] for record in kept}):
        mine = [record for record in kept if record["part"] == part]
        caught = sum(record["outcome"] != "survived" for record in mine)
        yield f"{part}: {caught} of {len(mine)} caught ({caught / len(mine):.0%}), {len(places(part))} places in all"
    for record in kept:
        if record["outcome"] == "survived":
            what = f"{record['sort']}: {record['before']}  ->  {record['after']}"
            yield f"  survived {record['file']}:{record['line']} {what}"


def run(mutants: Sequence[Mutant], arguments: argparse.Namespace) -> None:
    """Judge the mutants that were not, or that survived fewer stages, and keep a record of each."""
    kept = {(record["file"], record["place"]): record for record in records(arguments.out)}
    for mutant in mutants:
        before = kept.get((mutant.file, mutant.place), {"outcome": "survived", "stages": 0})
        if before["outcome"] != "survived" or before["stages"] >= arguments.stages:
            continue
        record = fate(mutant, before["stages"], arguments.stages, arguments.seconds)
        with arguments.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(record["outcome"], mutant.name, mutant.line, mutant.sort, record["test"], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", nargs="+", default=list(TESTS), choices=list(TESTS))
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", type=int, default=2, help="How many stages of tests a survivor must pass.")
    parser.add_argument("--seconds", type=int, default=300, help="Limit of computing per mutant and stage.")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--report", type=Path, help="Only tell what is in such a file.")
    arguments = parser.parse_args()
    if arguments.report:
        print("\n".join(report(records(arguments.report))))
        return
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ["PYTHONPATH"] = str(ROOT)
    for library in ("pytest", *LIBRARIES):
        importlib.import_module(library)
    for part in arguments.parts:
        for words in TESTS[part][: arguments.stages]:
            outcome, told = judged(None, words, arguments.seconds)
            if outcome != "survived":
                raise SystemExit(f"the tests of {part} fail without any change ({outcome}):\n{told}")
    queues = [drawn(part, arguments.sample, arguments.seed) for part in arguments.parts]
    run([mutant for mutants in zip(*queues, strict=False) for mutant in mutants], arguments)
    print("\n".join(report(records(arguments.out))))


if __name__ == "__main__":
    main()
