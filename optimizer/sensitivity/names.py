"""Names of figures for people."""

from __future__ import annotations

from optimizer.chain.instance import Instance

WORDS = {
    "deck": "price of {}",
    "own": "own part of {}",
    "freight": "freight by {}",
    "tariff": "duties into {}",
    "qualification": "qualification cost, {}",
    "project": "cost of {}",
    "stock": "carrying cost of stock",
    "outlet": "resale of by-products",
    "disposal": "disposal fees",
    "discount": "discount rate",
    "line_stop": "line-stop cost",
    "rate": "frequency: {}",
    "duration": "duration: {}",
    "depth": "depth: {}",
    "spot": "spot depth in shocks",
    "surge": "surge of suppliers",
    "demand": "demand of {}",
    "yield": "yield, {}",
}
"""Kind → words around its subject."""


def label_of(kind: str, subject: str, instance: Instance) -> str:
    """A figure in a buyer's words."""
    if kind == "deck" and subject in instance.products:
        subject = instance.products[subject].name
    elif kind == "project" and subject in instance.projects:
        subject = instance.projects[subject].name
    elif kind == "demand" and subject in instance.markets:
        subject = instance.markets[subject].name
    elif kind in ("rate", "duration", "depth"):
        subject = next((shock.name for shock in instance.shocks.values() if shock.event == subject), subject)
    return WORDS[kind].format(subject.replace("_", " "))
