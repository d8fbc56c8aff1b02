"""``support``: what a report of a bug is to tell, in one file, with all but our own words struck out."""

import argparse
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from registry_docker_updater.cli import check
from registry_docker_updater.cli.command import Command, names_file
from registry_docker_updater.cli.here import Here
from registry_docker_updater.cli.installed import versions
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.redaction import Redactor, own_words
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.backups import DATABASE
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings import loading, local
from registry_docker_updater.settings.schema import struck_out

_NEWEST, _WHOLE = 50, 10
_LOG_LINES, _LOG_SECONDS = 1000, 20
_UNIT = "registry-docker-updater"
_README = """\
What `registry-docker-updater support` collected at {now}: versions, settings with what is wrong with them, how everything
stands, the newest events and rollouts, what `check` says, and the log of the unit {unit}, where systemd keeps it.

Kept are words of the operator's own code, short numbers, times. All else is struck out: names, addresses, digests, texts;
and what is known to be a name, or stands in the settings, also where it is such a word. The same text has the same number
everywhere, such as #3; which it was, this file does not tell. What containers logged, and what playbooks printed, is not in it.
"""


@dataclass(frozen=True)
class _Bundle:
    """Collects files; what cannot be had of one is said in its place."""

    redactor: Redactor
    files: dict[str, bytes] = field(default_factory=dict)
    _found: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, content: Callable[[], Any]) -> None:
        """Add what ``content`` returns as JSON, in which is struck out what could be a secret."""
        try:
            found = content()
        except Exception as error:  # whatever is broken, the rest is wanted
            found = {"error": f"{type(error).__name__}: {error}"}
        self._found[name] = found
        self.redactor.learn(found)

    def add_settings(self, path: Path) -> None:
        """Add what the settings file says; what people wrote there is struck out everywhere."""
        try:
            found = struck_out(path, self.redactor.learned)
        except Exception as error:  # likewise
            found = {"error": type(error).__name__}
        self.files["settings.json"] = _json(found)

    def close(self, log: Iterable[str]) -> None:
        """Strike out, when all names are known that there are, also in the lines of the ``log``."""
        for name, found in self._found.items():
            self.files[f"{name}.json"] = _json(self.redactor.value(found))
        self.files["log.txt"] = "".join(f"{self.redactor.line(line)}\n" for line in log).encode()


def run(given: argparse.Namespace, output: Output, clock: Clock) -> int:
    """Write the bundle, whether or not the settings are right, or an operator works."""
    now = clock()
    path = local.settings_file(os.environ) if given.local else loading.find(given.config, os.environ)
    bundle = _Bundle(Redactor(own_words()))
    bundle.files["README.txt"] = _README.format(now=f"{now:%Y-%m-%dT%H:%M:%SZ}", unit=_UNIT).encode()
    # Ours, and no shop's: nothing of it is struck out.
    bundle.files["versions.json"] = _json(versions())
    parts: Parts | None = None
    problems: tuple[str, ...] = ()
    try:
        parts = Parts(loading.load(path), path, os.environ, clock)
    except UpdaterError as error:
        problems = error.lines
    except Exception as error:  # likewise
        problems = (f"{type(error).__name__}: {error}",)
    bundle.add("problems", lambda: problems)
    bundle.add_settings(path)
    if parts:
        _add_what_is_known(bundle, parts, output)
    bundle.close(_log())
    file = given.output or Path(f"registry-docker-updater-support-{now:%Y%m%dT%H%M%SZ}.tar.gz")
    _write(file, bundle.files, now)
    output.line(f"{file}: {file.stat().st_size:,} bytes; look at it before you send it")
    return 0


def _add_what_is_known(bundle: _Bundle, parts: Parts, output: Output) -> None:
    if (parts.settings.state_directory / DATABASE).exists():
        source = Here(parts, output)
        bundle.add("status", source.status)
        bundle.add("events", lambda: [_without("content", row) for row in source.events(_NEWEST)])
        bundle.add("rollouts", lambda: source.rollouts(_NEWEST))
        bundle.add("outcomes", lambda: list(_outcomes(source)))
        bundle.add("fleet", lambda: source.fleet(fresh=False))
        bundle.add("messages", lambda: source.messages(_NEWEST))
        bundle.add("receivers", source.receivers)
    bundle.add("check", lambda: _checked(parts, output))


def _outcomes(source: Here) -> Iterator[Mapping[str, Any]]:
    """Yield the newest rollouts, whole, without what containers logged."""
    for row in source.rollouts(_WHOLE):
        whole = source.rollout(row["id"])
        yield {**whole, "targets": [_without("log", one) for one in whole["targets"]]}


def _without(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {other: value for other, value in row.items() if other != name}


def _checked(parts: Parts, output: Output) -> Any:
    said = io.StringIO()
    check.run(parts, argparse.Namespace(json=True), Output(said, output.err))
    return json.loads(said.getvalue())


def _log() -> Iterator[str]:
    """Yield the newest lines of the log, where systemd keeps it."""
    if not shutil.which("journalctl"):
        yield "no journalctl is here: the log is where whatever runs the operator keeps its standard error"
        return
    asked = ("journalctl", "--unit", _UNIT, "--lines", str(_LOG_LINES), "--output", "cat", "--no-pager")
    try:
        done = subprocess.run(
            asked, capture_output=True, text=True, errors="replace", timeout=_LOG_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"journalctl did not answer: {error}"
        return
    yield from (done.stdout or done.stderr).splitlines()


def _write(file: Path, files: Mapping[str, bytes], now: datetime) -> None:
    try:
        # Its owner's alone, from the beginning; and in nobody's place.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UpdaterError(f"cannot write {file}: {error.strerror}; --output names another file") from None
    try:
        with os.fdopen(descriptor, "wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(f"registry-docker-updater-support/{name}")
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(now.timestamp())
                archive.addfile(entry, io.BytesIO(content))
    except BaseException as error:
        # Also where it is interrupted: half a file is of no use.
        with suppress(OSError):
            file.unlink()
        if isinstance(error, OSError):
            raise UpdaterError(f"cannot write {file}: {error.strerror}") from None
        raise


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _arguments(parser: argparse.ArgumentParser) -> None:
    names_file(
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="where to, a .tar.gz that is not there yet (default: one in this folder, named by the time)",
        )
    )


COMMAND = Command(
    "support",
    "write what a report of a bug is to tell to a file, with all but our own words struck out",
    (_arguments,),
    bare=run,
    about=(
        "Writes a file for whoever looks into a bug: versions, settings, what is wrong with them, how everything stands, the"
        " newest events and rollouts, what `check` says, and the log where systemd keeps it. All but words of the operator's"
        " own is struck out, known names and addresses too. Works when the settings are wrong, and when no operator does."
    ),
    examples=("support", "support --output report.tar.gz"),
)
