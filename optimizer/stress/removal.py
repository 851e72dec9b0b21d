"""Loss of single nodes: every plant, country and passage a plan uses, alone, until it is back.

No probabilities enter: the ranking says where a plan is thin, whatever one believes about causes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from optimizer.chain.instance import Instance
from optimizer.chain.rows import ALL, Tables, table_rows
from optimizer.shocks.hazards import SELECTORS
from optimizer.stress.strikes import Strike
from optimizer.stress.trial import Outcomes

KINDS = ("facility", "country", "passage")


@dataclass(frozen=True)
class Node:
    """Something a plan can lose.

    Attributes:
        kind: facility, country or passage.
        node: its name in the tables.
        name: as people read it.
        recover_months: how long it is gone.
    """

    kind: str
    node: str
    name: str
    recover_months: int


def nodes_of(instance: Instance, tables: Tables, used: frozenset[str]) -> list[Node]:
    """Nodes that carry something in some plan and have a time to recover in the table ``recovery_times``.

    Args:
        instance: the case.
        tables: of the case; without the table there are no nodes.
        used: plants and lanes that some plan uses.
    """
    times = _Times(tables)
    plants = sorted(used & set(instance.facilities))
    found = [
        (Node("facility", f, instance.facilities[f].name, 0), times.of("facility", f, instance.facilities[f].stage))
        for f in plants
    ]
    countries = sorted({instance.facilities[f].country_iso3 for f in plants})
    called = {str(row["country_iso3"]): str(row["name"]) for row in table_rows(tables, "countries")}
    found += [(Node("country", code, called.get(code, code), 0), times.of("country", code)) for code in countries]
    names = {str(row["passage"]): str(row["name"]) for row in table_rows(tables, "passages")}
    passages = sorted({p for lane in used & set(instance.lanes) for p in instance.lanes[lane].passages})
    found += [(Node("passage", p, names.get(p, p), 0), times.of("passage", p)) for p in passages]
    return [Node(n.kind, n.node, n.name, months) for n, months in found if months is not None]


class _Times:
    """Times to recover: of the node itself, else of its stage, else of its kind."""

    def __init__(self, tables: Tables) -> None:
        self._known = {
            (str(row["kind"]), str(row["stage"]), str(row["node"])): int(row["recover_months"])
            for row in table_rows(tables, "recovery_times")
        }

    def of(self, kind: str, node: str, stage: str = ALL) -> int | None:
        for key in ((kind, ALL, node), (kind, stage, node), (kind, stage, ALL), (kind, ALL, ALL)):
            if key in self._known:
                return self._known[key]
        return None


def removal_events(nodes: Sequence[Node], start_year: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and effects that take every node away alone: plants stand still, passages let nothing through."""
    events = [{"event": f"{n.kind}:{n.node}", "start_year": start_year} for n in nodes]
    effects = [
        dict.fromkeys(SELECTORS, ALL)
        | {"event": f"{node.kind}:{node.node}", "effect": 1, node.kind: node.node}
        | {"target": "lane" if node.kind == "passage" else "facility", "is_project_only": False}
        | {"from_month": 0, "to_month": node.recover_months, "open_share": 0.0, "price_multiple": 1.0}
        for node in nodes
    ]
    return pd.DataFrame(events, columns=["event", "start_year"]), pd.DataFrame(effects)


def removal_table(
    nodes: Sequence[Node], strikes: Sequence[Strike], outcomes: Outcomes, used: Mapping[int, frozenset[str]]
) -> pd.DataFrame:
    """Point x node it uses, worst first: months lost, time to survive against time to recover."""
    rows = []
    for point, losses in outcomes.losses.items():
        for number, (node, strike) in enumerate(zip(nodes, strikes, strict=True)):
            if any(place in used[point] for place, _ in strike.shares):
                rows.append(
                    {
                        "point": point,
                        "kind": node.kind,
                        "node": node.node,
                        "name": node.name,
                        "start_year": strike.start_year,
                        "gone_months": float(node.recover_months),
                        "loss_months": float(losses[number]),
                        "survive_months": float(outcomes.survive[point][number]),
                        "recover_months": float(outcomes.recover[point][number]),
                    }
                )
    columns = ["point", "rank", "kind", "node", "name", "start_year", "gone_months", "loss_months"]
    frame = pd.DataFrame(rows, columns=[*columns, "survive_months", "recover_months"])
    frame = frame.sort_values(["point", "loss_months", "kind", "node"], ascending=[True, False, True, True])
    frame["rank"] = frame.groupby("point").cumcount() + 1
    return frame.astype({"rank": "int64"}).reset_index(drop=True)
