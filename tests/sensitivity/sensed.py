"""Toys solved, and asked which figures move them."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd

from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.jobs.sensitivity import Sensed, SensitivityOptions, sensitivity_of

TOYS = Path(__file__).parents[1] / "toys"
DECK = "product,market,year,low_usd_per_kg,base_usd_per_kg,high_usd_per_kg\npart,world,2027,10,12,20\n"
INDEX = "offer,product,market,kg_per_kg,floor_usd_per_kg\nplant_sale,part,world,0.5,11\n"


def copied(folder: Path, name: str, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """A copy of a toy with one text of some files replaced."""
    case = Path(shutil.copytree(TOYS / name, folder / name))
    for file, (old, new) in (changes or {}).items():
        text = (case / file).read_text()
        assert text.count(old) == 1, (file, old)
        (case / file).write_text(text.replace(old, new))
    return case


def indexed(folder: Path) -> Path:
    """One plant, one market, no discounting: 100 t a year for two years at 4 (3 to 6) + 0.5 x max(11, deck) USD/kg."""
    changes = {"case.toml": ("discount_rate_share = 0.1", "discount_rate_share = 0.0")}
    case = copied(folder, "one-plant", changes)
    offers = (
        (case / "offers.csv")
        .read_text()
        .replace("price_usd_per_kg", "price_usd_per_kg,price_low_usd_per_kg,price_high_usd_per_kg")
    )
    (case / "offers.csv").write_text(offers.replace(",part,10,", ",part,4,3,6,"))
    (case / "prices.csv").write_text(DECK)
    (case / "offer_indices.csv").write_text(INDEX)
    return case


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sensed-")


@cache
def _pristine(name: str, max_loss: float | None) -> Path:
    """A run of an unchanged toy, solved once for all tests."""
    folder = Path(tempfile.mkdtemp(dir=_scratch().name))
    return solve_plan(TOYS / name, folder / "run", Options(max_loss_months=max_loss)).path


def solved(case: Path, folder: Path, max_loss: float | None = None) -> Path:
    """A run with one plan, in a folder of its own."""
    target = folder / f"run-{case.name}"
    if case.parent == TOYS:
        return Path(shutil.copytree(_pristine(case.name, max_loss), target))
    return solve_plan(case, target, Options(max_loss_months=max_loss)).path


def sensed(case: Path, folder: Path, max_loss: float | None = None, **options: object) -> Sensed:
    """A run with one plan, and what moves it."""
    return sensitivity_of(
        solved(case, folder, max_loss), SensitivityOptions(**{"samples": 0, "has_chart": False, **options})
    )  # type: ignore[arg-type]


def row(found: Sensed, figure: str) -> pd.Series:
    """Row of a figure in the tornado."""
    table = found.tables["sensitivity_figures"].set_index("figure")
    return table.loc[figure]
