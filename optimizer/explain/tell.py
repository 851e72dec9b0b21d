"""The reasons in sentences: what a reader of the terminal or of a report gets to see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.explain.limits import money
from optimizer.explain.steps import step_sentences
from optimizer.explain.suppliers import SWAP

MOST = {"limits": 7, "stages": 6, "offers": 6, "suppliers": 12}
"""Most sentences of a section; the tables hold all."""
LEAST_USD = 50.0
"""Limits worth less than this a year are not told."""


@dataclass(frozen=True)
class Section:
    """A heading, a line on how the figures were found, and the sentences."""

    title: str
    basis: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """Why a plan is what it is, in sections."""

    title: str
    sections: tuple[Section, ...]


class Tables(Protocol):
    """Anything that holds tables by name."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Tables by name."""


def story_of(instance: Instance, run: Tables, part: Tables, point: int) -> Story:
    """Tell the part ``explain`` of a run.

    Args:
        instance: the frozen instance.
        run: result tables of the run.
        part: the part ``explain``.
        point: the point it explains.
    """
    frontier = run.tables["frontier"].set_index("point")
    cost, loss = float(frontier["cost_musd"][point]), float(frontier["loss_months"][point])
    tables = part.tables
    steps = tables["explain_steps"]
    before = steps.loc[steps["to_point"] == point, "point"]
    sections = [_limits(tables["explain_limits"]), _offers(tables["explain_offers"])]
    shocks = run.tables["shocks"]
    ahead = step_sentences(instance, steps, shocks, point)
    sections.append(Section("The next step along the frontier", "", tuple(ahead) or ("This is the safest plan.",)))
    if len(before):
        behind = step_sentences(instance, steps, shocks, int(before.iloc[0]))
        sections.append(Section(f"What the step from plan {int(before.iloc[0])} to this one bought", "", tuple(behind)))
    sections.append(_suppliers(tables["explain_suppliers"]))
    title = f"Plan {point}: {money(1e6 * cost)}, {loss:.3g} months lost in the bad case"
    return Story(title, tuple(section for section in sections if section.lines))


def _limits(limits: pd.DataFrame) -> Section:
    own = limits[(limits["scope"] == "all") & (limits["usd_per_year"].abs() >= LEAST_USD)]
    own = own.sort_values(["worth_musd", "subject"], key=_size, ascending=False)
    stages = limits[(limits["scope"] == "stage") & (limits["usd_per_year"].abs() >= LEAST_USD)]
    lines = [_capital(s) for s in [*own["sentence"][: MOST["limits"]], *stages["sentence"][: MOST["stages"]]]]
    basis = (
        "Duals of the linear program with the plan's integer decisions fixed: worth of the next unit, all else equal."
    )
    return Section("What binds, and what one unit more is worth", basis, tuple(lines))


def _size(column: pd.Series) -> pd.Series:
    return column.abs() if pd.api.types.is_numeric_dtype(column) else column


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _offers(offers: pd.DataFrame) -> Section:
    lines = [_offer(row) for row in offers.head(MOST["offers"]).to_dict("records")]
    basis = "First estimates at the margin, other decisions fixed, from a linear program; re-solved where said so."
    return Section("Offers not chosen: when they would enter", basis, tuple(lines))


def _offer(row: Mapping[Any, Any]) -> str:
    asked, even = float(row["asked_usd_per_kg"]), float(row["break_even_usd_per_kg"])
    head = f"{row['name']} (from {int(row['start_year'])}): asked {asked:.1f} USD/kg"
    if even >= asked:
        text = f"{head}, would pay up to {even:.1f}; kept out by its least volume or term, or within the proof's gap"
        if row["break_even_t_per_year"] == row["break_even_t_per_year"] and row["break_even_t_per_year"] > 0:
            text += f"; pays for its qualification from {row['break_even_t_per_year']:,.0f} t/yr"
    else:
        text = f"{head}, enters below {even:.1f} ({100 * (even / asked - 1):+.1f} %)"
    checked = row["checked_usd_per_kg"]
    if checked == checked:
        gap = row["checked_gap_usd_per_kg"]
        proof = f", proof gap {gap:.2f}" if gap > 0.005 else ""
        text += f"; re-solved: {checked:.1f} at {row['checked_t_per_year']:,.0f} t/yr{proof}"
    return text + "."


def _suppliers(sheets: pd.DataFrame) -> Section:
    lines = [_sheet(row) for row in sheets.head(MOST["suppliers"]).to_dict("records")]
    methods = sorted({str(m) for m in sheets["method"]}) if len(sheets) else []
    return Section(
        "Negotiation sheet, supplier by supplier", _capital("; ".join(methods)) if methods else "", tuple(lines)
    )


def _sheet(row: Mapping[Any, Any]) -> str:
    head = f"{row['name']}: {row['committed_t_per_year']:,.0f} t/yr at {row['price_usd_per_kg']:.1f} USD/kg"
    if row["is_needed"]:
        return f"{head}. No plan at this loss does without it; there is no walk-away price."
    away, low = row["walk_away_usd_per_kg"], row["walk_away_low_usd_per_kg"]
    floor = f" Surely worth keeping up to {low:.1f} USD/kg." if low == low and low > row["price_usd_per_kg"] else ""
    if away != away:
        return f"{head}. What it would cost to do without was not found within the time.{floor}"
    extra = money(1e6 * row["extra_cost_musd"])
    instead = f" Instead: {row['instead']}." if row["instead"] else ""
    if row["method"] == SWAP:
        told = f"Worth {away:.1f} USD/kg or more (a low estimate: see the method); without it about {extra} or"
    else:
        told = f"Walk away above {away:.1f} USD/kg; without it the plan costs {extra}"
    return f"{head}. {told} more.{floor}{instead}"
