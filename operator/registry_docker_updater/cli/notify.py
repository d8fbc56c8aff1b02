"""``notify``: who is told of what, what they were told last, and whether their channels take a message."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, limit_option
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.core.notifications.receivers import DEFAULT
from registry_docker_updater.core.notifications.schedule import OK
from registry_docker_updater.errors import NotAsked
from registry_docker_updater.views.messages import ReceiverRow, SampleRow, said_of

_EVERY = ""


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Send a sample, or show receivers and messages."""
    if given.test is not None:
        return _test(source, given, output)
    if given.receiver:
        raise NotAsked("receiver", "--receiver says whom --test is for: give that, too")
    receivers, messages = source.receivers(), source.messages(given.limit)
    if given.json:
        output.json({"receivers": receivers, "messages": messages})
        return 0
    columns = ("receiver", "gets", "topics", "quiet_hours", "digest", "channels")
    output.table([_shown(one) for one in receivers], columns)
    output.line()
    rows = [{**one, "state": said_of(one)} for one in messages]
    output.table(rows, ("id", "created_at", "receiver", "topic", "state"))
    return 0


def _test(source: Source, given: argparse.Namespace, output: Output) -> int:
    receiver = given.receiver or DEFAULT
    output.remark(f"sending a sample to {receiver} …")
    row = source.send_sample(receiver, given.test or None)
    if given.json:
        output.json(row)
    else:
        for channel, result in sorted(row["results"].items()):
            output.line(f"{channel}: {'took it' if result == OK else result}")
        if row["error"]:
            output.line(f"wrong: {row['error']}")
    return 0 if is_sent(row) else 1


def is_sent(row: SampleRow) -> bool:
    """Tell whether a sample went out, on every channel that it was for."""
    return row["error"] is None and all(result == OK for result in row["results"].values())


def _shown(one: ReceiverRow) -> dict[str, str]:
    channels = (
        f"{channel['name']} {'works' if channel['is_working'] else channel['result']}"
        for channel in one["channels"]
    )
    return {
        "receiver": one["name"],
        "gets": "; ".join(one["gets"]),
        "topics": ", ".join(one["topics"]),
        "quiet_hours": one["quiet_hours"] or "none",
        "digest": one["digest"] or "none",
        "channels": "; ".join(channels) or "none used so far",
    }


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--test",
        metavar="CHANNEL",
        nargs="?",
        const=_EVERY,
        help="send a sample now, on one channel or on all, and say what the other side answers; exit 1 unless it is taken",
    )
    parser.add_argument("--receiver", metavar="NAME", help=f"whom --test is for (default: {DEFAULT})")


COMMAND = Command(
    "notify",
    "show who is told of what, or send a sample",
    (json_option, limit_option, _arguments),
    ask=ask,
    about="Shows who is told of what, whether their channels work, and the newest messages; or sends a sample.",
    examples=("notify", "notify --test slack --receiver team-a"),
    exits={Exit.WRONG: "the other side did not take the sample"},
)
