"""How the marks of a map look: sizes that stand for tonnes, colours of stages and flows, the mark of a shock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.report import theme
from optimizer.report.plan_map import PRODUCT, PlanMap
from optimizer.report.view import RunView

SHOCKED = "#b3001b"
"""Colour of what a shock closes; such lines are also dashed and such plants crossed, so colour is not needed."""
CLASSES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#6a51a3")
"""Colours of origin classes, from Okabe and Ito as the theme's."""


class Widths:
    """Sizes that stand for t/yr: area of a symbol and, by the square root, width of a line.

    Args:
        plans: all plans that are drawn beside each other, so that sizes can be compared.
        zoom: 1 on a full page, less on small panels.
    """

    def __init__(self, plans: Sequence[PlanMap], zoom: float = 1.0) -> None:
        self.zoom = zoom
        self.largest_flow = max((f.t_per_year for plan in plans for f in plan.flows), default=1.0)
        self.largest_place = max((p.t_per_year for plan in plans for p in plan.used), default=1.0) or 1.0

    def line(self, t_per_year: float, layer: str) -> float:
        """Width of a flow in pixels."""
        share = math.sqrt(max(0.0, t_per_year) / self.largest_flow)
        return (1.4 + 5.2 * share if layer == "buyer" else 0.8 + 2.4 * share) * math.sqrt(self.zoom)

    def area(self, t_per_year: float) -> float:
        """Area of a plant's symbol in square pixels."""
        return (60 + 420 * min(1.0, max(0.0, t_per_year) / self.largest_place)) * self.zoom

    def radius(self, t_per_year: float) -> float:
        """Radius of a plant's symbol in pixels."""
        return math.sqrt(self.area(t_per_year) / math.pi) + 1


@dataclass(frozen=True)
class Look:
    """Colours and sizes of one picture. ``kinds`` maps a kind of flow (see ``Flow``) to its colour."""

    stages: dict[str, tuple[str, str]]
    kinds: dict[str, str]
    scale: Widths


def look(view: RunView, plans: Sequence[PlanMap], by: str, zoom: float = 1.0) -> Look:
    """Colours and sizes for plans drawn beside each other; kinds in the order of the chain."""
    stages = theme.stage_styles(view.stages)
    kinds = product_colours(view, plans, stages) if by == PRODUCT else class_colours(plans)
    return Look(stages, kinds, Widths(plans, zoom))


def product_colours(view: RunView, plans: Sequence[PlanMap], stages: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Form → colour: that of the stage it comes from; a second form of a stage takes a colour still free."""
    tonnes: dict[str, dict[str, float]] = {}
    for plan in plans:
        for flow in plan.flows:
            made = tonnes.setdefault(flow.kind, {})
            made[flow.stage] = made.get(flow.stage, 0.0) + flow.t_per_year
    order = {stage: k for k, stage in enumerate(view.stages)}
    home = {kind: max(sorted(made), key=lambda stage: made[stage]) for kind, made in tonnes.items()}
    ranked = sorted(home, key=lambda kind: (order.get(home[kind], 99), -sum(tonnes[kind].values()), kind))
    colours: dict[str, str] = {}
    for kind in ranked:
        wish = stages.get(home[kind], (theme.MUTED, ""))[0]
        left = [c for c in theme.CATEGORIES if c not in colours.values() and c not in {s[0] for s in stages.values()}]
        colours[kind] = wish if wish not in colours.values() else (left or [theme.MUTED])[0]
    return colours


def class_colours(plans: Sequence[PlanMap]) -> dict[str, str]:
    """Origin class → colour, the largest flow first."""
    tonnes: dict[str, float] = {}
    for plan in plans:
        for flow in plan.flows:
            tonnes[flow.kind] = tonnes.get(flow.kind, 0.0) + flow.t_per_year
    ranked = sorted(tonnes, key=lambda kind: (-tonnes[kind], kind))
    return {kind: CLASSES[k] if k < len(CLASSES) else theme.OTHER for k, kind in enumerate(ranked)}
