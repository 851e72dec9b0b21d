"""Write ``docs/formulation.md`` from the model itself: every constraint's sentence, equation, unit and dual.

Run ``python -m optimizer.model.document docs/formulation.md`` after changing a rule; a test keeps the page true.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from optimizer.model.registry import FIRST_STAGE, RECOURSE, SHOCK_COST
from optimizer.model.risk import loss_measure

_HEAD = """# Formulation

What the optimizer decides and under what rules, as the code states it. This page is made from the docstrings of the
constraints (`python -m optimizer.model.document docs/formulation.md`); a test fails when it is out of date. Each heading
is the name of the function, of the model component, of the stored snapshot and of the `constraint` in price tables.

## Assumptions

- Flows of a year are mid-year; money is real money of the data package's year, discounted at mid-year factors.
- Two layers of flow run over the same plants. The **supplier** layer is what stands behind a priced sale: it uses
  capacity, carries origin and footprint and is hit by shocks, but costs the buyer nothing, because the price covers it.
  The **buyer** layer is what the buyer owns: it pays freight, duty and tolls, and its by-products are the buyer's.
  A sale moves material from the first layer to the second. So nothing is paid twice.
- In the supplier layer only co-products of joint recipes may be left over, for the supplier's other customers, and joint
  production runs only for what is drawn. Nothing can be drawn and wasted, or run idle, to look safer or less dependent.
- What a contract reserves beyond what is taken, its surge and a supplier's spot market count in a shock only as far as
  the supplier's own chain has room for them beside the plan: its *standby*. It costs nothing and pollutes nothing until
  the buyer calls, and it is the same in all shocks of a year.
- A shock branches off the plan in its start year. Signatures, qualifications, commitments and stock in hand are the same
  variables as in the plan (non-anticipativity is structural). Normal traffic, plus a surge, is what a plant or a lane can
  still do in proportion to what survives; beyond that only the spot market at qualified suppliers.
- Loss is months of criticality-weighted demand lost in a window common to all shocks. It is minimised before cost.
- After the horizon, windows of late shocks run on with the last year's contracts and demand.

## Sets

| letter | set | code |
|---|---|---|
| t | years of the horizon | `instance.years` |
| k | periods of a shock's window: months, then quarters, equal neighbours merged | `shock.periods` |
| f | facilities | `instance.facilities` |
| p | products | `instance.products` |
| r | recipes (facility, route, feed) | `instance.recipes` |
| g, h | origin classes: one bit per origin rule; class g may serve as h if h contains g, marks waived at the place aside | `sets.classes` |
| l | lanes (layer, from, to, product) | `instance.lanes` |
| o | offers: priced sales and toll conversions | `instance.offers` |
| q | qualifications | `instance.qualifications` |
| e | projects | `instance.projects` |
| d | markets | `instance.markets` |
| s | shocks (event, start year) | `instance.shocks` |

## Decisions

| symbol | code | meaning | unit |
|---|---|---|---|
| $s_{ot}$ | `is_signed[o,t]` | offer starts in year t | 0/1 |
| $q_{ot}$ | `committed[o,t]` | volume reserved | t/yr |
| $x^{extra}_{ot}$ | `lifted_extra[o,t]` | paid beyond take-or-pay | t/yr |
| $e_{ot}$ | `converted[o,t]` | converted under a toll, where several share a route | t/yr |
| $k_{qt}$ | `is_qualified[q,t]` | qualification in force | 0/1 |
| $b_{et}$ | `is_sponsored[e,t]` | project sponsored in year t | 0/1 |
| $n_{ft}$ | `is_used[f,t]` | plant has a contract (where their number is limited) | 0/1 |
| $d_{ogt}$ | `delivered[o,g,t]` | change of hands under a sale | t |
| $y_{rgt}$ | `throughput[r,layer,g,t]` | conversion, by class of what comes out | t |
| $x_{lgt}$ | `flow[l,g,t]` | movement | t |
| $c_{pght}$ | `reclassified[layer,place,p,g,h,t]` | counted as a class with more marks | t |
| $u_{pgt}$ | `surplus`, `sold`, `disposed` | co-products left over, by-products sold or disposed of | t |
| $v_{pgt}$ | `stock[place,p,g,t]` | stock at the end of the year | t |
| $\\bar d_{fpt}$ | `standby[f,p,t]` | what a supplier can hand over beyond what is taken | t |
| $\\bar x_{lt}, \\bar y_{rt}$ | `standby_flow[l,t]`, `standby_throughput[r,t]` | flow and conversion behind it, between suppliers | t |
| $z_{dt}$ | `shortfall[d,t]` | demand not met (nominal: only where the case allows it) | t |
| $b_{it}$ | `over_cap[i,t]` | flow above the share of a benchmark | t |
| $L_s, \\xi_s, \\eta_t$ | `loss[s]`, `excess[s]`, `value_at_risk[t]` | loss of a shock and the terms of the measure | months |

In a shock's block the same names carry a period k in place of the year, with `spot[q,g,k]` and `idle[o,k]` besides.

## Objectives

**cost** (MUSD, present value) = purchase + toll + freight + tariff + substitution + qualification + sponsorship less
residual value + stock carrying + disposal + carbon − by-product sales (+ line stops where nominal shortfall is allowed,
+ expected shock cost where the case asks for it). Each term is computed per year in `optimizer/model/objective.py`; the
cost table of a run adds up to it.

"""


def _section(function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function) or ""
    text = re.sub(r":math:`([^`]*)`", r"$\1$", text)
    lines: list[str] = []
    equation: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.startswith(".. math::"):
            inside, equation = True, [line.removeprefix(".. math::").strip()]
        elif inside and line.startswith("    "):
            equation.append(line.strip())
        elif inside:
            inside = False
            lines += ["```math", *equation, "```", line]
        else:
            lines.append(line)
    if inside:
        lines += ["```math", *equation, "```"]
    return f"### {function.__name__}\n\n" + "\n".join(lines).strip() + "\n"


def formulation_page() -> str:
    """Return the whole page as Markdown."""
    parts = [_HEAD, _section(loss_measure), "\n## Constraints of the plan\n\n"]
    parts += _sections([rule.function for rule in FIRST_STAGE])
    parts += ["\n## Constraints of every shock\n\n"]
    known = {rule.function for rule in RECOURSE}
    parts += _sections([rule.function for rule in RECOURSE])
    parts += ["\n## Where shock cost is counted in the objective\n\n"]
    parts += _sections([rule.function for rule in SHOCK_COST if rule.function not in known])
    return "".join(parts).rstrip() + "\n"


def _sections(functions: Sequence[Callable[..., Any]]) -> list[str]:
    return [_section(function) + "\n" for function in functions]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(formulation_page(), encoding="utf-8")
