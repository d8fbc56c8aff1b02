"""Freezes, as commands print them."""

import argparse

from registry_docker_updater.cli.output import Output
from registry_docker_updater.views.freezes import FreezeRow


def tell(rows: list[FreezeRow], given: argparse.Namespace, output: Output) -> None:
    """Print freezes, as JSON where that is ``given``."""
    if given.json:
        output.json(rows)
        return
    columns = ("id", "scope", "of", "until", "actor", "reason", "state")
    output.table(
        [
            {**row, "of": _of(row), "until": row["until"] or "it is thawed", "state": _state(row)}
            for row in rows
        ],
        columns,
    )


def _of(row: FreezeRow) -> str:
    return f"{row['of']} ({', '.join(row['managers'])})" if row["managers"] else row["of"]


def _state(row: FreezeRow) -> str:
    if row["ended_at"]:
        return f"thawed by {row['ended_by']}"
    return "counts" if row["counts"] else "over"
