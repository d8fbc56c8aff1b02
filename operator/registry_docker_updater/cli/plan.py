"""``plan``: what a push would change."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, scan_option
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.meaning import never_answered
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.core.rollouts.verdicts import DUE
from registry_docker_updater.views.fleet import TargetRow
from registry_docker_updater.views.pushes import JudgedRow
from registry_docker_updater.views.text import short


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Show what a push of an image would change; change nothing.

    Where no target runs its name, the exit code says so, or that this is not known, for hosts never answered.
    """
    found = source.plan(given.image, fresh=given.scan)
    rows = [
        {
            **{name: row[name] for name in TargetRow.__annotations__},  # type: ignore[literal-required]
            "verdict": row["says"],
            "digest": short(", ".join(row["digests"])),
        }
        for row in found
    ]
    unheard = [] if rows else _unheard(source)
    code = Exit.DONE if rows else Exit.WRONG if unheard else Exit.NOBODY
    if given.json:
        output.json(rows)
        return code
    shown = [{**row, "would_be": _would_be(one)} for row, one in zip(rows, found, strict=True)]
    output.table(shown, ("kind", "name", "place", "digest", "would_be"))
    if not rows:
        output.remark(f"no target runs {given.image}, as far as the last scan saw{never_answered(unheard)}")
    return code


def _unheard(source: Source) -> list[str]:
    hosts = source.fleet(fresh=False)["hosts"]
    return [one["name"] for one in hosts if not (one["is_reachable"] or one["back_since"])]


def _would_be(one: JudgedRow) -> str:
    if one["verdict"] == DUE.name:
        return "updated"
    return f"updated later: {one['says']}" if one["is_concerned"] else f"left alone: {one['says']}"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE[@DIGEST]")


COMMAND = Command(
    "plan",
    "show what a push would change; change nothing",
    (json_option, scan_option, _arguments),
    ask=ask,
    about="Shows what a push of an image would change, target by target, now or later, and why not where not. Changes nothing.",
    examples=("plan registry.example.com/test/app:1", "plan registry.example.com/test/app:1 --scan"),
    exits={
        Exit.NOBODY: "no target runs the image name",
        Exit.WRONG: "could not be done; or no target is known to run it, and hosts never answered",
    },
)
