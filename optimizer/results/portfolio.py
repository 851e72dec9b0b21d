"""Portfolio rows: what is signed, running, qualified and sponsored, as a buyer would list it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from optimizer.chain.instance import Instance, Offer
from optimizer.results.costs import Read

Row = dict[str, Any]


def toll_recipes(instance: Instance, offer: Offer) -> tuple[str, ...]:
    """Recipes a toll offer may run: those of its route at its facility that make its product."""
    named = instance.recipes.get(offer.recipe or "")
    route = named.route if named else offer.recipe
    return tuple(
        sorted(
            recipe.recipe
            for recipe in instance.recipes.values()
            if recipe.facility == offer.facility
            and recipe.route == route
            and "buyer" in recipe.layers
            and offer.product in recipe.outputs
        )
    )


def portfolio_rows(
    instance: Instance, read: Read, qualified: Sequence[tuple[str, int]], commitments: pd.DataFrame
) -> pd.DataFrame:
    """Rows of the ``portfolio`` table for one point, without its number.

    Args:
        instance: the frozen instance.
        read: first-stage values by component.
        qualified: (qualification, first year in force).
        commitments: ``offer, year, committed_t``.
    """
    volumes = {
        (str(o), int(t)): float(v)
        for o, t, v in zip(commitments["offer"], commitments["year"], commitments["committed_t"], strict=True)
    }
    rows = [
        *_contracts(instance, read, volumes),
        *_running(instance),
        *_qualifications(instance, qualified),
        *_projects(instance, read),
    ]
    columns = ["kind", "offer", "facility", "product", "start_year", "end_year", "committed_t_per_year"]
    frame = pd.DataFrame(rows, columns=columns)
    places = [instance.facilities[name] for name in frame["facility"]]
    return frame.assign(stage=[f.stage for f in places], country_iso3=[f.country_iso3 for f in places])


def _row(kind: str, name: str, facility: str, product: str, span: tuple[int, int], volume: float) -> Row:
    return {
        "kind": kind,
        "offer": name,
        "facility": facility,
        "product": product,
        "start_year": span[0],
        "end_year": span[1],
        "committed_t_per_year": volume,
    }


def _contracts(instance: Instance, read: Read, volumes: dict[tuple[str, int], float]) -> Iterator[Row]:
    signed = read("is_signed", ("offer", "year"))
    for name, start, value in zip(signed["offer"], signed["year"], signed["value"], strict=True):
        if value <= 0.5:
            continue
        offer = instance.offers[name]
        end = int(start) + offer.term_years - 1
        new = [volumes.get((name, t), 0.0) - offer.running_t.get(t, 0.0) for t in range(int(start), end + 1)]
        yield _row(offer.kind, name, offer.facility, offer.product, (int(start), end), max([0.0, *new]))


def _running(instance: Instance) -> Iterator[Row]:
    for offer in instance.offers.values():
        years = sorted(t for t, amount in offer.running_t.items() if amount > 0)
        if years:
            volume = max(offer.running_t.values())
            yield _row("running", offer.offer, offer.facility, offer.product, (years[0], years[-1]), volume)


def _qualifications(instance: Instance, qualified: Sequence[tuple[str, int]]) -> Iterator[Row]:
    first, last = instance.years[0], instance.years[-1]
    for held in instance.qualifications.values():
        if held.is_held:
            yield _row("held", held.qualification, held.facility, held.product, (first, last), 0.0)
    for name, start in qualified:
        new = instance.qualifications[name]
        if not new.is_held:
            yield _row("qualification", name, new.facility, new.product, (start, last), 0.0)


def _projects(instance: Instance, read: Read) -> Iterator[Row]:
    decided = read("is_sponsored", ("project", "year"))
    for name, start, value in zip(decided["project"], decided["year"], decided["value"], strict=True):
        if value <= 0.5:
            continue
        project = instance.projects[name]
        reached = project.profile[: instance.years[-1] - int(start) + 1]
        volume = project.entitlement_t_per_year * max(reached, default=0.0)
        yield _row("project", name, project.facility, "", (int(start), instance.years[-1]), volume)
