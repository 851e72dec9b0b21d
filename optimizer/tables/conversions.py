"""The few unit conversions of the tables, each with a name so that no bare factor stands in the code."""

from __future__ import annotations

KG_PER_T = 1000.0
"""Kilograms in a tonne."""

USD_PER_MUSD = 1_000_000.0
"""Dollars in a million dollars."""


def musd(unit_price_usd_per_kg: float, amount_t: float) -> float:
    """Return the value (MUSD) of ``amount_t`` tonnes at a price in USD/kg."""
    return unit_price_usd_per_kg * amount_t * KG_PER_T / USD_PER_MUSD


def usd_per_t(price_usd_per_kg: float) -> float:
    """Return a price in USD/kg as USD/t."""
    return price_usd_per_kg * KG_PER_T


def tonnes(amount_kg: float) -> float:
    """Return kilograms as tonnes."""
    return amount_kg / KG_PER_T
