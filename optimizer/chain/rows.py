"""Rows of tables as plain dictionaries, and the sign that stands for everything."""

from __future__ import annotations

from optimizer.chain.records import Row, Tables, rows_of

ALL = "*"
"""Stands wherever a name may stand and matches all."""


def table_rows(tables: Tables, name: str) -> list[Row]:
    """Give the rows of a table, missing cells as ``None``; none where the table is absent."""
    return rows_of(tables, name)


__all__ = ["ALL", "Row", "Tables", "table_rows"]
