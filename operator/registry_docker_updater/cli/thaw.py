"""``thaw``: have what was frozen updated again."""

import argparse
import re
from collections.abc import Iterable

from registry_docker_updater.cli.command import Command, json_option
from registry_docker_updater.cli.frozen import tell
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.errors import NothingKnown, UpdaterError
from registry_docker_updater.views.freezes import FreezeRow

_MOST = 1000
_NUMBER = re.compile("[0-9]{1,18}")


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """End a freeze by its number, or all of what it is of."""
    what: str = given.what
    if _NUMBER.fullmatch(what):
        rows = [source.thaw(int(what))]
    else:
        found = [one["id"] for one in meant(source.freezes(_MOST, counts=True), what)]
        rows = [row for number in found if (row := _thawed(source, number, output))]
    tell(rows, given, output)
    return 0


def _thawed(source: Source, number: int, output: Output) -> FreezeRow | None:
    """End one of several freezes, and return it; None where somebody else has done so by then, and it says so."""
    try:
        return source.thaw(number)
    except UpdaterError:
        if any(one["id"] == number for one in source.freezes(_MOST, counts=True)):
            raise
        output.remark(f"freeze {number} has ended already; the others are ended all the same")
        return None


def meant(rows: Iterable[FreezeRow], what: str) -> list[FreezeRow]:
    """Return those of the freezes that are of ``what``, as `freeze` takes it; raises :class:`NothingKnown` where none or several are meant."""
    found = [one for one in rows if what in _names(one)]
    things = sorted({f"{one['scope']}:{one['of']}" for one in found})
    if not things:
        raise NothingKnown(f"no freeze that counts is of {what:.100}; `freeze --list` lists those that are")
    if len(things) > 1:
        raise NothingKnown(f"several that are frozen are called {what}; say which: {', '.join(things)}")
    return found


def _names(row: FreezeRow) -> set[str]:
    if not row["of"]:
        return {row["scope"]}
    names = (row["of"], *row["managers"])
    return {row["of"], *(f"{row['scope']}:{name}" for name in names)}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="ID|WHAT", help="the number of a freeze, or what it is of, as `freeze` takes it"
    )


COMMAND = Command(
    "thaw",
    "have what was frozen updated again",
    (json_option, _arguments),
    ask=ask,
    about="Ends a freeze, by its number, or all freezes of what `freeze` calls so.",
    examples=("thaw 3", "thaw everything"),
)
