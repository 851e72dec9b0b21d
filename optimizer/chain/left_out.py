"""What the tables of a case offer that its instance does not use."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.chain.records import rows_of


def left_out(case: Any, instance: Instance) -> pd.DataFrame:
    """List facilities, offers, links and projects that are in the tables but not in the instance.

    Columns ``table, key``: they were not candidates, cannot run in the horizon, get no feed, or lead to no market.
    """
    shipped = {(x.from_place, x.to_place, instance.products[x.product].form) for x in instance.lanes.values()}
    found: list[tuple[str, str]] = []
    for table, column, kept in (
        ("facilities", "facility", set(instance.facilities)),
        ("offers", "offer", set(instance.offers)),
        ("projects", "project", set(instance.projects)),
    ):
        found += [(table, row[column]) for row in rows_of(case.tables, table) if row[column] not in kept]
    for row in rows_of(case.tables, "links"):
        link = (row["from_facility"], row["to_facility"], row["form"])
        if link not in shipped:
            found.append(("links", f"{link[0]} > {link[1]}: {link[2]}"))
    return pd.DataFrame(found, columns=["table", "key"])
