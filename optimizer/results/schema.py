"""Schema of the result tables of a run: names, columns, types and units, in one place.

``EXTRA`` columns beyond the contract's may be added to any table; the contract's columns keep name and meaning.
Sorted by their key columns, tables are the same byte for byte for the same inputs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResultTable:
    """One result table: its key, and column → (pandas dtype, unit, meaning)."""

    name: str
    one_row_per: str
    key: tuple[str, ...]
    columns: dict[str, tuple[str, str, str]]


_TEXT, _REAL, _WHOLE, _FLAG = "string", "float64", "int64", "bool"
_POINT = {"point": (_WHOLE, "", "number of the frontier point, from the cheapest")}
_WHEN = {
    "year": (_WHOLE, "year", "calendar year"),
    "period": (_WHOLE, "", "period of the shock window; 0 for the nominal year"),
}
_SHOCK = {"shock": (_TEXT, "", "shock, or `nominal`")}

TABLES: dict[str, ResultTable] = {
    table.name: table
    for table in (
        ResultTable(
            "frontier",
            "point",
            ("point",),
            {
                **_POINT,
                "cost_musd": (_REAL, "MUSD", "present value of the plan"),
                "loss_months": (_REAL, "months", "resilience measure over all shocks of the case"),
                "cost_bound_musd": (_REAL, "MUSD", "proven: no plan with at most this loss costs less"),
                "gap_share": (_REAL, "", "(cost - bound) / cost"),
                "status": (_TEXT, "", "optimal within its gap | limit"),
                "expected_loss_months": (_REAL, "months", "rate-weighted mean loss"),
                "worst_loss_months": (_REAL, "months", "largest loss of any shock"),
                "cost_usd_per_kg": (_REAL, "USD/kg", "cost over discounted demand"),
            },
        ),
        ResultTable(
            "bounds",
            "proof",
            ("proof",),
            {
                "proof": (_WHOLE, "", "number of the proof"),
                "kind": (_TEXT, "", "cap | weight | infeasible"),
                "max_loss_months": (_REAL, "months", "cap: holds for all plans with at most this loss (empty: all)"),
                "weight": (_REAL, "MUSD/month", "weight: cost + weight x loss is at least the bound"),
                "bound_musd": (_REAL, "MUSD", "proven lower bound"),
                "max_cost_musd": (_REAL, "MUSD", "the proof holds for plans up to this cost (empty: all)"),
                "status": (_TEXT, "", "solver's own word for how the solve ended"),
            },
        ),
        ResultTable(
            "segments",
            "attained line between two points with equal integers",
            ("from_point", "to_point"),
            {
                "from_point": (_WHOLE, "", "cheaper end"),
                "to_point": (_WHOLE, "", "safer end"),
                "integers_hash": (_TEXT, "", "fingerprint of the integer decisions both share"),
            },
        ),
        ResultTable(
            "portfolio",
            "point x offer, project or qualification",
            ("point", "kind", "offer", "start_year"),
            {
                **_POINT,
                "kind": (_TEXT, "", "sale | toll | running | qualification | held | project"),
                "offer": (_TEXT, "", "offer, qualification or project"),
                "facility": (_TEXT, "", "facility"),
                "product": (_TEXT, "", "product"),
                "stage": (_TEXT, "", "stage"),
                "country_iso3": (_TEXT, "", "country of the facility"),
                "start_year": (_WHOLE, "year", "first year in force"),
                "end_year": (_WHOLE, "year", "last year in force"),
                "committed_t_per_year": (_REAL, "t/yr", "largest yearly commitment in the term"),
            },
        ),
        ResultTable(
            "commitments",
            "point x offer x year",
            ("point", "offer", "year"),
            {
                **_POINT,
                "offer": (_TEXT, "", "offer"),
                "year": (_WHOLE, "year", "year"),
                "committed_t": (_REAL, "t", "volume committed"),
                "lifted_t": (_REAL, "t", "volume taken"),
                "paid_t": (_REAL, "t", "volume paid for"),
            },
        ),
        ResultTable(
            "flows",
            "point x shock or nominal x lane x product x class x period",
            ("point", "shock", "lane", "origin_class", "year", "period"),
            {
                **_POINT,
                **_SHOCK,
                "lane": (_TEXT, "", "lane"),
                "layer": (_TEXT, "", "supplier | buyer"),
                "from_facility": (_TEXT, "", "origin"),
                "to_facility": (_TEXT, "", "receiving facility or market"),
                "product": (_TEXT, "", "product"),
                "origin_class": (_WHOLE, "", "bit mask over the case's origin rules"),
                **_WHEN,
                "flow_t": (_REAL, "t", "tonnes moved in the period"),
            },
        ),
        ResultTable(
            "throughput",
            "point x shock or nominal x recipe x layer x class x period",
            ("point", "shock", "recipe", "layer", "origin_class", "year", "period"),
            {
                **_POINT,
                **_SHOCK,
                "recipe": (_TEXT, "", "recipe"),
                "facility": (_TEXT, "", "facility"),
                "layer": (_TEXT, "", "supplier | buyer"),
                "origin_class": (_WHOLE, "", "class of what comes out"),
                **_WHEN,
                "throughput_t": (_REAL, "t", "throughput in the period"),
            },
        ),
        ResultTable(
            "deliveries",
            "point x shock or nominal x offer or spot x class x period",
            ("point", "shock", "offer", "origin_class", "year", "period"),
            {
                **_POINT,
                **_SHOCK,
                "offer": (_TEXT, "", "sale offer, or qualification for a spot purchase"),
                "kind": (_TEXT, "", "sale | spot"),
                "origin_class": (_WHOLE, "", "origin class"),
                **_WHEN,
                "delivered_t": (_REAL, "t", "tonnes that change from the supplier's to the buyer's hands"),
            },
        ),
        ResultTable(
            "outlets",
            "point x shock or nominal x place x product x class x period x outlet",
            ("point", "shock", "layer", "place", "product", "origin_class", "year", "period", "outlet"),
            {
                **_POINT,
                **_SHOCK,
                "layer": (_TEXT, "", "supplier | buyer"),
                "place": (_TEXT, "", "where"),
                "product": (_TEXT, "", "product"),
                "origin_class": (_WHOLE, "", "origin class"),
                **_WHEN,
                "outlet": (_TEXT, "", "sold | disposed | surplus (supplier's other customers)"),
                "amount_t": (_REAL, "t", "tonnes"),
            },
        ),
        ResultTable(
            "reclassified",
            "point x shock or nominal x place x product x class x wider class x period",
            ("point", "shock", "layer", "place", "product", "from_class", "to_class", "year", "period"),
            {
                **_POINT,
                **_SHOCK,
                "layer": (_TEXT, "", "supplier | buyer"),
                "place": (_TEXT, "", "where"),
                "product": (_TEXT, "", "product"),
                "from_class": (_WHOLE, "", "origin class of the material"),
                "to_class": (_WHOLE, "", "class it is counted as from here on: the same bits and more"),
                **_WHEN,
                "amount_t": (_REAL, "t", "tonnes"),
            },
        ),
        ResultTable(
            "stock",
            "point x shock or nominal x product x class x period",
            ("point", "shock", "place", "product", "origin_class", "year", "period"),
            {
                **_POINT,
                **_SHOCK,
                "place": (_TEXT, "", "where it is held"),
                "product": (_TEXT, "", "product"),
                "origin_class": (_WHOLE, "", "origin class"),
                **_WHEN,
                "stock_t": (_REAL, "t", "stock at the end of the period"),
            },
        ),
        ResultTable(
            "supply",
            "point x shock x pool x market x period",
            ("point", "shock", "pool", "market", "year", "period"),
            {
                **_POINT,
                "shock": (_TEXT, "", "shock"),
                "pool": (_WHOLE, "", "pool of plants the shock does not touch"),
                "market": (_TEXT, "", "market"),
                "product": (_TEXT, "", "product"),
                "origin_class": (
                    _WHOLE,
                    "",
                    "origin class; -1 where classes are not told apart",
                ),
                **_WHEN,
                "supply_t": (_REAL, "t", "tonnes that untouched plants deliver to the market in the period"),
            },
        ),
        ResultTable(
            "standby",
            "point x plant, lane or recipe x year",
            ("point", "kind", "facility", "item", "year"),
            {
                **_POINT,
                "kind": (_TEXT, "", "hand_over (beyond what is taken) | lane | recipe (the flow behind it)"),
                "facility": (_TEXT, "", "supplier; for a lane the one that ships"),
                "item": (_TEXT, "", "product, lane or recipe"),
                "year": (_WHOLE, "year", "year"),
                "standby_t": (_REAL, "t", "tonnes kept ready for the year, which come on top when the buyer calls"),
            },
        ),
        ResultTable(
            "pools",
            "shock x pool x facility",
            ("shock", "pool", "facility"),
            {
                "shock": (_TEXT, "", "shock"),
                "pool": (_WHOLE, "", "pool of plants the shock does not touch"),
                "facility": (_TEXT, "", "plant in the pool"),
                "product": (_TEXT, "", "product it delivers"),
            },
        ),
        ResultTable(
            "reached",
            "shock x layer x facility",
            ("shock", "layer", "facility"),
            {
                "shock": (_TEXT, "", "shock"),
                "layer": (_TEXT, "", "supplier | buyer"),
                "facility": (_TEXT, "", "plant whose operation the shock changes and the tables follow"),
            },
        ),
        ResultTable(
            "shortfalls",
            "point x shock or nominal x market x period",
            ("point", "shock", "market", "year", "period"),
            {
                **_POINT,
                **_SHOCK,
                "market": (_TEXT, "", "market"),
                **_WHEN,
                "demand_t": (_REAL, "t", "demand of the period"),
                "shortfall_t": (_REAL, "t", "demand not met"),
            },
        ),
        ResultTable(
            "costs",
            "point x term x year",
            ("point", "term", "year"),
            {
                **_POINT,
                "term": (_TEXT, "", "cost term"),
                "year": (_WHOLE, "year", "year"),
                "cost_musd": (_REAL, "MUSD", "present value; sums to the objective"),
            },
        ),
        ResultTable(
            "shocks",
            "shock",
            ("shock",),
            {
                "shock": (_TEXT, "", "shock"),
                "event": (_TEXT, "", "event"),
                "name": (_TEXT, "", "name on charts"),
                "start_year": (_WHOLE, "year", "year in which it starts"),
                "weight": (_REAL, "", "probability given that some shock starts in that year"),
                "rate_per_year": (_REAL, "1/yr", "yearly frequency"),
                "window_months": (_REAL, "months", "length of the common window"),
                "in_model": (_FLAG, "", "whether the optimisation saw it"),
                "story": (_TEXT, "", "the shock in a sentence"),
            },
        ),
        ResultTable(
            "losses",
            "point x shock",
            ("point", "shock"),
            {
                **_POINT,
                "shock": (_TEXT, "", "shock"),
                "loss_months": (_REAL, "months", "months of demand lost in the window"),
                "survive_months": (_REAL, "months", "months until demand is first cut (window if never)"),
                "recover_months": (
                    _REAL,
                    "months",
                    "month after which demand is met again to the end (0 if never cut)",
                ),
            },
        ),
        ResultTable(
            "shares",
            "point x stage x country",
            ("point", "stage", "country_iso3"),
            {
                **_POINT,
                "stage": (_TEXT, "", "stage"),
                "country_iso3": (_TEXT, "", "country"),
                "flow_share": (_REAL, "", "share of the stage's output by tracked mass over the horizon"),
            },
        ),
        ResultTable(
            "environment",
            "point x indicator x facility",
            ("point", "indicator", "facility"),
            {
                **_POINT,
                "indicator": (_TEXT, "", "indicator"),
                "facility": (_TEXT, "", "facility"),
                "value": (_REAL, "", "load over the horizon"),
                "unit": (_TEXT, "", "unit of the load"),
            },
        ),
        ResultTable(
            "prices",
            "point x constraint",
            ("point", "constraint", "index"),
            {
                **_POINT,
                "constraint": (_TEXT, "", "name of the constraint"),
                "index": (_TEXT, "", "its index"),
                "price": (_REAL, "", "dual value of the linear program with integers fixed"),
                "unit": (_TEXT, "", "unit of the price"),
            },
        ),
    )
}
