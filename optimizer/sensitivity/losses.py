"""Losses of fixed plans when shocks come more or less often, last longer, cut deeper, or find less to buy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.chain.records import Tables
from optimizer.results.measures import Chances, measure_of
from optimizer.sensitivity.figures import Figure
from optimizer.sensitivity.pricing import Levels
from optimizer.solve.compiled import Floats
from optimizer.stress.strikes import Strike, Window, network_of, strikes_of
from optimizer.stress.templates import Plans
from optimizer.stress.trial import put_to

SIDES = (-1.0, 1.0)
"""Levels at which shocks are evaluated anew."""

Side = tuple[str, float]


@dataclass(frozen=True)
class Losses:
    """Losses of some plans.

    Attributes:
        instance: with its shocks and measure.
        points: numbers of the plans.
        base: plan x shock, months lost, in the order of the instance's shocks.
        moved: (figure, side) → change of those losses; missing where nothing changes.
        figures: those that move losses.
    """

    instance: Instance
    points: tuple[int, ...]
    base: Floats
    moved: Mapping[Side, Floats] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @classmethod
    def of(cls, instance: Instance, points: Sequence[int], losses: pd.DataFrame) -> Losses:
        """From the ``losses`` table of a run."""
        wide = losses.pivot_table(index="point", columns="shock", values="loss_months", aggfunc="first")
        base = wide.reindex(index=list(points), columns=list(instance.shocks)).fillna(0.0).to_numpy(dtype=float)
        return cls(instance, tuple(points), base)

    def months(self, levels: Levels) -> Floats:
        """The run's measure of every plan at levels of the figures, months.

        Between base and side a loss runs in a straight line; changes of several figures add up, within zero and the
        window. One figure at its low or high is exact.
        """
        shocks = list(self.instance.shocks.values())
        if not shocks:
            return np.zeros(len(self.points))
        lost = self.base
        for name, level in levels.items():
            change = self.moved.get((name, float(np.sign(level)))) if level else None
            lost = lost if change is None else lost + abs(level) * change
        lost = np.clip(lost, 0.0, max(shock.window_months for shock in shocks))
        chances, measure = self._chances(levels), self.instance.measure
        return np.array([measure_of(row, chances, measure.kind, measure.alpha, measure.year_weights) for row in lost])

    def _chances(self, levels: Levels) -> Chances:
        """Shocks with rates at their levels and probabilities that follow from them."""
        factors = {
            self.figures[name].subject: self.figures[name].share(level)
            for name, level in levels.items()
            if level and name in self.figures and self.figures[name].kind == "rate"
        }
        base = self._base_chances
        factor = np.array([factors.get(shock.event, 1.0) for shock in self.instance.shocks.values()])
        return replace(base, rates=base.rates * factor, shares=base.shares * factor)

    @cached_property
    def _base_chances(self) -> Chances:
        shocks = self.instance.shocks.values()
        return Chances(
            np.array([shock.start_year for shock in shocks], dtype=np.int64),
            np.array([shock.rate_per_year for shock in shocks]),
            np.array([shock.probability for shock in shocks]),
        )


def with_changes(
    losses: Losses,
    figures: Sequence[Figure],
    tables: Tables,
    plans: Plans,
    window: Window,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Losses:
    """Evaluate the shocks anew wherever a figure changes them, for the fixed plans.

    Args:
        losses: at the base.
        figures: all of them; only kinds duration, depth, spot and surge are evaluated here.
        tables: of the case, with the events of regimes.
        plans: the same points.
        window: over which losses are counted.
        workers: processes.
        progress: told (kinds of shocks done, in all).
    """
    instance = losses.instance
    known = {figure.figure: figure for figure in figures if figure.effect == "loss"}
    moved: dict[Side, Floats] = {}
    events = [figure for figure in known.values() if figure.kind in ("duration", "depth")]
    strikes, owners = _event_strikes(instance, events, tables, window)
    if strikes:
        found = put_to(strikes, instance, plans, window, workers, progress).losses
        for owner, own in owners.items():
            moved[owner] = _placed(losses, found, own)
    ordinary, places = _own_strikes(instance, tables, window)
    for figure in known.values():
        for side in SIDES if figure.kind in ("spot", "surge") and ordinary else ():
            changed = _supplied(instance, figure, side)
            found = put_to(ordinary, changed, still_owed(plans, changed), window, workers, progress).losses
            moved[figure.figure, side] = _placed(losses, found, places)
    return replace(losses, moved=moved, figures=known)


def still_owed(plans: Plans, instance: Instance) -> Plans:
    """The plans with no more on standby than suppliers owe at the instance's surge and spot depths.

    Where suppliers owe more than in the plan, standby stays as planned: nobody has arranged for more.
    """
    owed: dict[tuple[object, ...], Floats] = {}

    def add(index: tuple[object, ...], amount: Floats) -> None:
        owed[index] = owed.get(index, np.zeros(len(plans.vectors))) + amount

    values = np.array(list(plans.vectors.values()), dtype=np.float64).reshape(len(plans.vectors), len(plans.keys))
    for number, (component, index) in enumerate(plans.keys):
        if component in ("committed", "delivered"):
            offer = instance.offers[str(index[0])]
            factor = 1.0 + offer.surge_share if component == "committed" else -1.0
            if offer.kind == "sale":
                add((offer.facility, offer.product, index[-1]), factor * values[:, number])
        elif component == "is_qualified":
            q = instance.qualifications[str(index[0])]
            add((q.facility, q.product, index[-1]), q.spot_t.get(int(str(index[-1])), 0.0) * values[:, number])
    for q in instance.qualifications.values():
        for t, volume in q.spot_t.items() if q.is_held else ():
            add((q.facility, q.product, t), np.full(len(plans.vectors), volume))
    for number, (component, index) in enumerate(plans.keys):
        if component == "standby":
            room = np.maximum(0.0, owed.get(index, np.zeros(len(plans.vectors))))
            values[:, number] = np.minimum(values[:, number], room)
    return Plans(plans.keys, dict(zip(plans.vectors, values, strict=True)))


Places = list[tuple[int, int]]
"""(position among the strikes, position among the instance's shocks)."""


def _placed(losses: Losses, found: Mapping[int, Floats], places: Places) -> Floats:
    """Change against the base, plan x shock."""
    change = np.zeros_like(losses.base)
    strikes, shocks = (np.array(part, dtype=np.int64) for part in zip(*places, strict=True))
    for row, point in enumerate(losses.points):
        change[row, shocks] = found[point][strikes] - losses.base[row, shocks]
    return change


def _event_strikes(
    instance: Instance, figures: Iterable[Figure], tables: Tables, window: Window
) -> tuple[list[Strike], dict[Side, Places]]:
    """Strikes of every event, longer and shorter, deeper and shallower, in all its start years."""
    events: list[tuple[str, int]] = []
    effects: list[pd.DataFrame] = []
    owners: dict[Side, Places] = {}
    for figure in figures:
        own = tables["event_effects"][tables["event_effects"]["event"] == figure.subject]
        for side in SIDES:
            name = f"{figure.figure}{'+' if side > 0 else '-'}"
            effects.append(_changed(own, figure, side).assign(event=name))
            for place, shock in enumerate(instance.shocks.values()):
                if shock.event == figure.subject:
                    owners.setdefault((figure.figure, side), []).append((len(events), place))
                    events.append((name, shock.start_year))
    if not events:
        return [], {}
    rows = pd.DataFrame(events, columns=["event", "start_year"])
    network = network_of(instance, tables)
    return strikes_of(rows, pd.concat(effects, ignore_index=True), instance, network, window), owners


def _changed(effects: pd.DataFrame, figure: Figure, side: float) -> pd.DataFrame:
    """Effects of an event with its length or its depth at a side."""
    share = figure.share(side)
    if figure.kind == "duration":
        return effects.assign(
            to_month=effects["from_month"] + (effects["to_month"] - effects["from_month"]).astype(float) * share
        )
    return effects.assign(open_share=(1.0 - (1.0 - effects["open_share"].astype(float)) * share).clip(0.0, 1.0))


def _own_strikes(instance: Instance, tables: Tables, window: Window) -> tuple[list[Strike], Places]:
    """Strikes of the instance's own shocks, as far as they come from events written by hand."""
    written = set(tables["event_effects"]["event"]) if "event_effects" in tables else set()
    own = [(place, shock) for place, shock in enumerate(instance.shocks.values()) if shock.event in written]
    if not own:
        return [], []
    rows = pd.DataFrame([(s.event, s.start_year) for _, s in own], columns=["event", "start_year"])
    strikes = strikes_of(rows, tables["event_effects"], instance, network_of(instance, tables), window)
    return strikes, [(number, place) for number, (place, _) in enumerate(own)]


def _supplied(instance: Instance, figure: Figure, side: float) -> Instance:
    """The instance with another spot depth, or another surge of all suppliers."""
    share = figure.share(side)
    if figure.kind == "spot":
        spots = {
            name: replace(q, spot_t={t: volume * share for t, volume in q.spot_t.items()})
            for name, q in instance.qualifications.items()
        }
        return replace(
            instance,
            qualifications=spots,
            upstream_spot_t={key: volume * share for key, volume in instance.upstream_spot_t.items()},
        )
    offers = {name: replace(o, surge_share=o.surge_share * share) for name, o in instance.offers.items()}
    return replace(instance, offers=offers, surge_share=instance.surge_share * share)
