"""What each command does and prints. Each returns its exit code: 0 done, 1 found wrong."""

import logging
import re
import signal
from typing import Any

from registry_docker_updater.activities.discovery import scan
from registry_docker_updater.activities.poll import registry_problems
from registry_docker_updater.cli.output import (
    complain,
    counts,
    log_to_stderr,
    print_json,
    print_table,
    printable,
    short,
)
from registry_docker_updater.clock import utc_now
from registry_docker_updater.composition import Parts, assemble, is_held
from registry_docker_updater.core.events.snippets import snippet
from registry_docker_updater.core.fleet.engines import engine_notes
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.live import FOLLOWED
from registry_docker_updater.core.fleet.merging import HostReport, merge
from registry_docker_updater.core.schedules.repairs import unfinished_notes
from registry_docker_updater.core.schedules.scans import too_old
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.views.listings import fleet_rows

_log = logging.getLogger(__name__)


def serve(parts: Parts) -> int:
    """Run the operator until it is told to end."""
    log_to_stderr()
    operator = assemble(parts)
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: _stop_from_signal(operator.loop.stop))
    operator.server.start()
    operator.sweep.start()
    listen = parts.settings.listen
    scheme = "https" if listen.tls else "http"
    for name in parts.settings.registries:
        address = f"{scheme}://{listen.address}:{operator.server.port}"
        _log.info(
            "listening on %s/events/%s; `registry-config %s` prints what to tell the registry",
            address,
            name,
            name,
        )
    try:
        operator.loop.run()
    finally:
        operator.stop()
    return 0


def check(parts: Parts, as_json: bool) -> int:  # noqa: FBT001 - a flag of the command line
    """Tell whether the settings are right, and every host and registry answers."""
    problems = []
    try:
        fleet = _scan(parts)
    except UpdaterError as error:
        # The registries can be asked all the same.
        fleet, problems = Fleet(), [f"fleet: {error}"]
    unreachable = {host.name: host.error for host in fleet.hosts.values() if host.error}
    problems += [f"host {name}: {error}" for name, error in sorted(unreachable.items())]
    for polled in parts.polled:
        complain(f"asking registry {polled.name} …")
        problems += registry_problems(polled, fleet)
    warnings = [
        f"host {host.name}: {warning}"
        for host in fleet.hosts.values()
        for warning in (*host.warnings, *unfinished_notes(host))
    ]
    warnings += [f"host {name}: {note}" for name, note in engine_notes(fleet)]
    if is_held(parts.state):
        warnings += [
            f"host {host.name}: the live view: {host.live}"
            for host in fleet.hosts.values()
            if host.live not in (None, FOLLOWED)
        ]
        asked_at = (host.asked_at for host in parts.store.fleet().hosts.values())
        warnings += filter(None, [too_old(asked_at, parts.settings.fleet.scan_interval, utc_now())])
    if as_json:
        print_json(
            {
                "problems": problems,
                "warnings": warnings,
                "hosts": len(fleet.hosts),
                "targets": len(fleet.targets),
            }
        )
    else:
        for line in (
            *(f"wrong: {problem}" for problem in problems),
            *(f"note: {warning}" for warning in warnings),
        ):
            print(printable(line))
        print(
            f"{len(fleet.hosts) - len(unreachable)} of {len(fleet.hosts)} hosts answer, {len(fleet.targets)} targets"
        )
    return 1 if problems else 0


def fleet(parts: Parts, as_json: bool, fresh: bool) -> int:  # noqa: FBT001 - flags of the command line
    """Show the hosts and targets as last scanned, or as they are now."""
    known = known_fleet(parts, fresh=fresh)
    rows = fleet_rows(known)
    if as_json:
        return print_json(rows)
    for host in rows["hosts"]:
        if host["error"]:
            print(printable(f"unreachable: {host['name']}: {host['error']} (asked {host['asked_at']})"))
        for warning in (*host["warnings"], *unfinished_notes(known.hosts[host["name"]])):
            print(printable(f"note: {host['name']}: {warning}"))
        if host["live"] not in (None, FOLLOWED):
            print(printable(f"note: {host['name']}: the live view: {host['live']}"))
    for name, note in engine_notes(known):
        print(printable(f"note: {name}: {note}"))
    shown = [
        {
            **target,
            "image": target["reference"] or target["image"],
            "digest": short(", ".join(target["digests"])),
        }
        for target in rows["targets"]
    ]
    return print_table(shown, ("kind", "name", "place", "image", "digest", "state"))


def events(parts: Parts, as_json: bool, limit: int) -> int:  # noqa: FBT001 - a flag of the command line
    """List the newest pushes, and what could not be read."""
    rows = parts.listings.events(limit)
    if as_json:
        return print_json(rows)
    for row in rows:
        row["what"] = f"{row['repository']}:{row['tag']}" if row["kind"] == "push" else row["reason"]
    shown = [{**row, "digest": short(row["digest"])} for row in rows]
    return print_table(shown, ("id", "received_at", "registry", "kind", "what", "digest", "actor"))


def rollouts(parts: Parts, as_json: bool, limit: int) -> int:  # noqa: FBT001 - a flag of the command line
    """List the newest rollouts."""
    rows = parts.listings.rollouts(limit)
    if as_json:
        return print_json(rows)
    shown = [{**row, "digest": short(row["digest"]), "outcomes": counts(row["outcomes"])} for row in rows]
    return print_table(
        shown, ("id", "created_at", "image", "digest", "actor", "state", "runs", "outcomes", "due_at", "note")
    )


def rollout(parts: Parts, as_json: bool, number: int) -> int:  # noqa: FBT001 - a flag of the command line
    """Show one rollout with every target."""
    row = {**parts.listings.rollout(number), "kept_in": str(parts.runs / str(number))}
    if as_json:
        return print_json(row)
    for name in (
        "image",
        "digest",
        "actor",
        "pushed_at",
        "state",
        "runs",
        "started_at",
        "ended_at",
        "due_at",
        "note",
        "kept_in",
    ):
        if row[name] is not None:
            print(printable(f"{name.replace('_', ' ')}: {row[name]}"))
    if row["message"]:
        told = row["message"]
        print(printable(f"message: {told['state']}{': ' + told['error'] if told['error'] else ''}"))
    print()
    shown = [{**one, "before": short(one["before"]), "after": short(one["after"])} for one in row["targets"]]
    return print_table(shown, ("kind", "name", "place", "outcome", "before", "after", "message"))


def registry_config(parts: Parts, name: str, url: str | None) -> int:
    """Print the snippet that makes a registry send its events to ``url``, or to where the settings say we listen."""
    to = url or _own_url(parts)
    if not re.match(r"https?://[^/]", to):
        raise UpdaterError(
            f"--url {url} is no address of the operator, such as https://updater.example.com:8080"
        )
    registry = parts.settings.registries.get(name)
    if registry is None:
        raise UpdaterError(
            f"there is no registry {name!r} in the settings; there are {', '.join(parts.settings.registries)}"
        )
    print(snippet(registry.format, name, to), end="")
    return 0


def _own_url(parts: Parts) -> str:
    listen = parts.settings.listen
    is_anywhere = listen.address in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on
    host = f"[{listen.address}]" if ":" in listen.address else listen.address
    return f"{'https' if listen.tls else 'http'}://{'UPDATER' if is_anywhere else host}:{listen.port}"


def _stop_from_signal(stop: Any) -> None:
    _log.info("ending; what is not done is done after the next start")
    stop()


def known_fleet(parts: Parts, *, fresh: bool) -> Fleet:
    """Return the fleet as it was scanned last, or as it is now when it is to be ``fresh`` or was never scanned."""
    known = parts.store.fleet()
    return known if known.hosts and not fresh else _scan(parts)


def _scan(parts: Parts) -> Fleet:
    complain(f"asking {parts.settings.fleet.hosts} of {parts.settings.fleet.inventory} …")

    def tell(answer: HostReport) -> None:
        complain(f"  {answer.host}: {answer.error or 'answers'}")

    before = parts.store.fleet()
    found = scan(
        parts.playbooks,
        parts.runs / "scans",
        parts.settings.fleet.hosts,
        utc_now,
        known=before.hosts,
        on_answer=tell,
    )
    return merge(before, found.answers.values(), utc_now())
