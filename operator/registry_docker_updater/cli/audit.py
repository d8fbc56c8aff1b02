"""``audit``: the trail: whether it is whole, what it says of a rollout, and all of it for others."""

import argparse
import json
from pathlib import Path

from registry_docker_updater.activities.evidence import verify_all
from registry_docker_updater.cli.command import (
    Command,
    general_options,
    json_option,
    moment,
    rollout_argument,
)
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.here import Here
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.progress import progress_on
from registry_docker_updater.cli.source import Source
from registry_docker_updater.core.audit.canonical import moment_text
from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.heads import KeptHeads, heads_in
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.views.trail import Choice, export


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Check the trail, show what it says of a rollout, or write it for others."""
    if given.action == "show":
        return ask(Here(parts, output), given, output)
    actions = {"verify": _verify, "export": _export}
    return actions[given.action](parts, given, output)


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Tell the whole story of a rollout, in order."""
    if given.action != "show":
        raise UpdaterError(
            f"`audit {given.action}` reads all that is kept: do it on the operator's machine, without --server"
        )
    rows = source.story(given.number)
    if given.json:
        output.json(rows)
    else:
        output.table(rows, ("sequence", "at", "kind", "says"))
    return 0


def _verify(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Check the trail, and what it tells of; exit 1 where anything is not as it was kept."""
    heads = _heads(given.against)
    total, head = parts.storage.trail.last_given(), parts.storage.trail.head()
    flaws: list[Flaw] = []
    progress = progress_on(output, total)
    for flaw in verify_all(parts.storage, parts.runs, parts.clock(), heads, progress):
        flaws.append(flaw)
        if not given.json:
            since = f" (after {moment_text(flaw.since)})" if flaw.since else ""
            output.line(f"wrong: {flaw.sentence}{since}")
    if given.json:
        output.json(
            {
                "holds": not flaws,
                "entries": head.sequence,
                "head": head.hash,
                "flaws": [
                    {
                        "sentence": one.sentence,
                        "sequence": one.sequence,
                        "since": rfc3339(one.since) if one.since else None,
                    }
                    for one in flaws
                ],
            }
        )
        return 1 if flaws else 0
    if flaws:
        output.line(f"the trail does not hold: {len(flaws)} thing(s) are not as they were kept")
        return 1
    output.line(
        f"the trail holds: {head.sequence:,} entries, and all that they tell of; its head is {head.hash}"
    )
    if not heads:
        output.line(
            "note: whether all of it was written anew, only a head that was kept elsewhere tells: --against FILE"
        )
    return 0


def _heads(paths: list[Path]) -> KeptHeads:
    lines: list[str] = []
    for path in paths:
        try:
            found = path.read_text(errors="replace").splitlines()
        except OSError as error:
            raise UpdaterError(f"cannot read {path}: {error.strerror}") from None
        if not heads_in(found):
            raise UpdaterError(
                f"{path} holds no head of a trail: lines with `trail head NUMBER HASH`, such as of the log"
            )
        lines += found
    return heads_in(lines)


def _export(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Write the entries that are asked for, a line of JSON each."""
    choice = Choice(given.since, given.until, given.image, given.host, given.person)
    is_empty = True
    for row in export(parts.storage, choice):
        output.text(json.dumps(row, ensure_ascii=True) + "\n")
        is_empty = False
    if is_empty:
        output.remark("no entry of the trail is of all that")
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    checking = actions.add_parser("verify", help="check the trail, and all that it tells of")
    checking.add_argument(
        "--against",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="hold it against the heads that were kept in this file, such as a log",
    )
    json_option(checking)
    showing = actions.add_parser("show", help="tell the whole story of a rollout")
    rollout_argument(showing)
    json_option(showing)
    writing = actions.add_parser("export", help="write entries as JSON, a line each")
    writing.add_argument(
        "--since", type=moment, metavar="TIME", help="from this time on, such as 2026-11-22T12:00Z"
    )
    writing.add_argument("--until", type=moment, metavar="TIME", help="before this time")
    writing.add_argument("--image", metavar="NAME", help="of this image, such as test/app:1")
    writing.add_argument("--host", metavar="NAME", help="of this host of the inventory")
    writing.add_argument(
        "--by", dest="person", metavar="NAME", help="of what this person pushed or asked for"
    )
    for one in (checking, showing, writing):
        general_options(one)


COMMAND = Command(
    "audit",
    "check, show or export the trail of all that happened",
    (_arguments,),
    run,
    ask,
    about="Checks the trail of all that happened, tells the whole story of one rollout, or writes entries for others.",
    examples=(
        "audit verify --against heads.log",
        "audit show 17",
        "audit export --since 2026-11-01T00:00Z --image test/app:1",
    ),
    exits={Exit.WRONG: "the trail, or what it tells of, is not as it was kept"},
)
