"""Duties that stack and licences that let a share through, against figures added by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from optimizer.chain.licences import Movement
from optimizer.chain.trade import TradeRules, approval_share, members, tariff_share

TARIFF = ["importer", "exporter", "form", "legal_basis", "kind", "rate_share", "valid_from", "valid_to"]
LICENCE = [
    "exporter_iso3",
    "control_group",
    "destination",
    "segment",
    "approval_share",
    "valid_from_year",
    "valid_to_year",
]

TABLES = {
    "countries": pd.DataFrame({"country_iso3": ["USA", "CHN", "DEU", "FRA", "JPN"]}),
    "country_groups": pd.DataFrame(
        [("EU", "DEU"), ("EU", "FRA"), ("friends", "JPN"), ("friends", "DEU"), ("friends", "FRA")],
        columns=["group", "country_iso3"],
    ),
    "tariffs": pd.DataFrame(
        [
            ("USA", "*", "magnet", "mfn", "duty", 0.021, "2018-01-01", None),
            ("USA", "CHN", "magnet", "list", "duty", 0.25, "2026-01-01", None),
            ("USA", "*", "magnet", "emergency", "duty", 0.10, "2025-04-05", "2026-12-31"),
            ("USA", "CHN", "magnet", "emergency", "duty", 0.125, "2025-04-05", "2026-12-31"),
            ("USA", "*", "oxide", "emergency", "duty", 0.10, "2025-04-05", None),
            ("USA", "friends", "oxide", "emergency", "exemption", 0.02, "2025-04-05", None),
            ("USA", "JPN", "oxide", "treaty", "exemption", 0.5, "2025-04-05", None),
            ("EU", "*", "magnet", "mfn", "duty", 0.022, "2018-01-01", None),
            ("EU", "friends", "magnet", "mfn", "duty", 0.01, "2018-01-01", None),
            ("EU", "JPN", "magnet", "mfn", "duty", 0.0, "2027-07-02", None),
            ("JPN", "*", "metal", "mfn", "duty", 0.03, "2026", "2026-07"),
            ("USA", "CHN", "*", "all-goods", "duty", 0.07, "2030-01-01", None),
        ],
        columns=TARIFF,
    ),
    "licences": pd.DataFrame(
        [
            ("CHN", "heavy", "*", "*", 0.6, 2025, None),
            ("CHN", "heavy", "friends", "*", 0.8, 2025, None),
            ("CHN", "heavy", "JPN", "*", 0.4, 2025, None),
            ("CHN", "heavy", "*", "defence", 0.0, 2025, None),
            ("CHN", "heavy", "EU", "*", 0.9, 2028, 2029),
        ],
        columns=LICENCE,
    ),
}


@pytest.mark.parametrize(
    ("importer", "exporter", "form", "year", "expected"),
    [
        ("USA", "CHN", "magnet", 2027, 0.271),  # 2.1 % + 25 %
        ("USA", "CHN", "magnet", 2026, 0.396),  # 2.1 % + 25 % + 12.5 %, which replaces the general 10 %
        ("USA", "CHN", "magnet", 2025, 0.146),  # the 25 % start in 2026
        ("USA", "CHN", "magnet", 2024, 0.021),
        ("USA", "DEU", "magnet", 2026, 0.121),  # 2.1 % + 10 %
        ("USA", "USA", "magnet", 2026, 0.0),
        ("USA", "CHN", "oxide", 2026, 0.10),
        ("USA", "JPN", "oxide", 2026, 0.02),  # exemption sets 10 % to 2 %; one without duty adds nothing
        ("DEU", "CHN", "magnet", 2026, 0.022),  # importer stands in a group
        ("DEU", "JPN", "magnet", 2026, 0.01),  # exporter's group is more specific than *
        ("DEU", "JPN", "magnet", 2027, 0.01),  # in force from 2 July: counts from the next year
        ("DEU", "JPN", "magnet", 2028, 0.0),  # the country is more specific than its group
        ("DEU", "FRA", "magnet", 2026, 0.0),  # within the customs union
        ("JPN", "CHN", "metal", 2026, 0.03),  # dates given as year and month
        ("JPN", "CHN", "metal", 2027, 0.0),
        ("USA", "CHN", "scrap", 2030, 0.07),  # a duty on all forms
        ("USA", "CHN", "magnet", 2030, 0.341),  # 2.1 % + 25 % + 7 %
        ("CHN", "USA", "magnet", 2026, 0.0),
    ],
)
def test_tariff_share(importer: str, exporter: str, form: str, year: int, expected: float) -> None:
    assert TradeRules(TABLES).tariff_share(importer, exporter, form, year) == pytest.approx(expected, abs=1e-12)


def test_row_order_changes_nothing() -> None:
    turned = TABLES | {"tariffs": TABLES["tariffs"].iloc[::-1]}
    for year in range(2024, 2032):
        for exporter in ("CHN", "JPN", "DEU"):
            for form in ("magnet", "oxide"):
                key = ("USA", exporter, form, year)
                assert tariff_share(TABLES, *key) == TradeRules(turned).tariff_share(*key)


@pytest.mark.parametrize(
    ("exporter", "group", "destination", "segment", "year", "expected"),
    [
        ("CHN", "heavy", "USA", "civil", 2026, 0.6),
        ("CHN", "heavy", "DEU", "civil", 2026, 0.8),
        ("CHN", "heavy", "JPN", "civil", 2026, 0.4),
        ("CHN", "heavy", "JPN", "defence", 2026, 0.0),  # a refused end use outweighs a friendly destination
        ("CHN", "heavy", "JPN", "*", 2026, 0.4),  # a movement to a facility
        ("CHN", "heavy", "DEU", "civil", 2028, 0.9),  # the smaller group is more specific
        ("CHN", "heavy", "DEU", "civil", 2030, 0.8),
        ("CHN", "heavy", "USA", "civil", 2024, 1.0),
        ("CHN", "heavy", "CHN", "defence", 2026, 1.0),  # no export
        ("CHN", None, "USA", "civil", 2026, 1.0),
        ("CHN", "light", "USA", "civil", 2026, 1.0),
        ("DEU", "heavy", "USA", "civil", 2026, 1.0),
    ],
)
def test_approval_share(
    exporter: str, group: str | None, destination: str, segment: str, year: int, expected: float
) -> None:
    assert approval_share(TABLES, Movement(exporter, group, destination, segment, year)) == expected


def test_members() -> None:
    assert members(TABLES, "EU") == {"DEU", "FRA"}
    assert members(TABLES, "CHN") == {"CHN"}
    assert members(TABLES, "*") == {"USA", "CHN", "DEU", "FRA", "JPN"}


def test_no_tables_mean_no_duty_and_free_export() -> None:
    assert tariff_share({}, "USA", "CHN", "magnet", 2026) == 0.0
    assert approval_share({}, Movement("CHN", "heavy", "USA", "civil", 2026)) == 1.0
    assert tariff_share(TABLES, "USA", "CHN", "magnet", 2027) == pytest.approx(0.271)
