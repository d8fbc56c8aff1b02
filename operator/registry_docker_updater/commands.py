"""What each command does and prints. Each returns its exit code: 0 done, 1 found wrong."""

import getpass
import logging
import os
import signal
import sys
import time
import uuid
from datetime import timedelta
from typing import Any

from registry_docker_updater.clock import utc_now
from registry_docker_updater.composition import Parts, assemble, is_held
from registry_docker_updater.core.fleet import Fleet, merge
from registry_docker_updater.core.outcomes import Outcome
from registry_docker_updater.core.planning import State, Verdict, Wanted, judge
from registry_docker_updater.core.pushes import Push
from registry_docker_updater.core.references import InvalidReference, Reference
from registry_docker_updater.core.snippets import snippet
from registry_docker_updater.edges.listings import fleet_rows, target_row
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.printing import counts, print_json, print_table, printable, short
from registry_docker_updater.scanning import scan

_log = logging.getLogger(__name__)
_WAIT_SECONDS = 0.5


def serve(parts: Parts) -> int:
    """Run the operator until it is told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    operator = assemble(parts)
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: _stop_from_signal(operator.loop.stop))
    operator.server.start()
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
    """Tell whether the settings are right and every host answers."""
    fleet = _scan(parts)
    unreachable = {host.name: host.error for host in fleet.hosts.values() if host.error}
    problems = [f"host {name}: {error}" for name, error in sorted(unreachable.items())]
    if not fleet.hosts:
        problems.append(
            f"fleet: {parts.settings.fleet.inventory} has no host that matches {parts.settings.fleet.hosts!r}"
        )
    warnings = [f"host {host.name}: {warning}" for host in fleet.hosts.values() for warning in host.warnings]
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
    rows = fleet_rows(_known_fleet(parts, fresh=fresh))
    if as_json:
        return print_json(rows)
    for host in rows["hosts"]:
        if host["error"]:
            print(printable(f"unreachable: {host['name']}: {host['error']} (asked {host['asked_at']})"))
        for warning in host["warnings"]:
            print(printable(f"note: {host['name']}: {warning}"))
    shown = [
        {
            **target,
            "image": target["reference"] or target["image"],
            "digest": short(", ".join(target["digests"])),
        }
        for target in rows["targets"]
    ]
    return print_table(shown, ("kind", "name", "place", "image", "digest", "state"))


def plan(parts: Parts, as_json: bool, fresh: bool, image: str) -> int:  # noqa: FBT001 - flags of the command line
    """Show what a push of ``image`` would change; change nothing."""
    registry, reference = _pushed(parts, image)
    rows = _judged(parts, registry, reference, _known_fleet(parts, fresh=fresh))
    if as_json:
        return print_json(rows)
    shown = [
        {**row, "would_be": "updated" if row["verdict"] == Verdict.DUE else f"left alone: {row['verdict']}"}
        for row in rows
    ]
    return print_table(shown, ("kind", "name", "place", "digest", "would_be"))


def push(parts: Parts, as_json: bool, wait: bool, image: str) -> int:  # noqa: FBT001 - flags of the command line
    """Record a push by hand, and follow its rollout when told to ``wait``."""
    registry, reference = _pushed(parts, image)
    if not reference.digest or not reference.tag:
        raise UpdaterError(
            f"{image} needs a tag and a digest, as in registry.example.com/test/app:1@sha256:…"
        )
    now = utc_now()
    newest = parts.store.newest_time(registry, reference.repository, reference.tag)
    # It is to be newer than what the registry itself said last.
    occurred_at = max(now, newest + timedelta(microseconds=1)) if newest else now
    actor = os.environ.get("SUDO_USER") or getpass.getuser()
    key = f"by hand {uuid.uuid4()}"
    made = Push(
        registry,
        reference.repository,
        reference.tag,
        reference.digest,
        occurred_at,
        key,
        f"{actor} (by hand)",
    )
    parts.store.record(registry, [made], max(now, occurred_at))
    is_working = is_held(parts.state)
    concerned = [
        row
        for row in _judged(parts, registry, reference, parts.store.fleet())
        if row["verdict"] == Verdict.DUE
    ]
    if not concerned:
        print("no target is to be changed by it, as far as the last scan saw", file=sys.stderr)
    elif not is_working:
        print(
            "no operator works with this state directory, so nothing happens until one does", file=sys.stderr
        )
    elif wait:
        return _follow(parts, parts.store.push_number(registry, key), as_json)
    if as_json:
        return print_json({"recorded": str(reference), "registry": registry, "targets": len(concerned)})
    print(f"recorded: {reference}")
    return 0


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


def registry_config(parts: Parts, name: str, url: str) -> int:
    """Print the snippet that makes a registry send its events here."""
    registry = parts.settings.registries.get(name)
    if registry is None:
        raise UpdaterError(
            f"there is no registry {name!r} in the settings; there are {', '.join(parts.settings.registries)}"
        )
    print(snippet(registry.format, name, url), end="")
    return 0


def _stop_from_signal(stop: Any) -> None:
    _log.info("ending; what is not done is done after the next start")
    stop()


def _pushed(parts: Parts, image: str) -> tuple[str, Reference]:
    """Return the registry, by its name in the settings, and the reference that ``image`` names."""
    try:
        reference = Reference.parse(image)
    except InvalidReference as error:
        raise UpdaterError(str(error)) from None
    for name, hosts in parts.registry_hosts.items():
        if reference.host.lower() in (host.lower() for host in hosts):
            return name, reference
    known = ", ".join(host for hosts in parts.registry_hosts.values() for host in hosts)
    raise UpdaterError(f"{reference.host} is no registry of the settings; known are {known}")


def _judged(parts: Parts, registry: str, reference: Reference, known: Fleet) -> list[dict[str, Any]]:
    """Return every target that runs the name of ``reference``, and what a push of it now would mean for it."""
    hosts = tuple(parts.registry_hosts[registry])
    now = utc_now()
    wanted = Wanted(0, hosts, reference.repository, reference.tag or "", reference.digest or "", now)
    history = parts.store.history(parts.registry_hosts)
    return [
        {
            **target_row(target),
            "verdict": str(judge(target, wanted, history, known, now)),
            "digest": short(", ".join(sorted(target.digests))),
        }
        for target in known.running(hosts, wanted.repository, wanted.tag)
    ]


def _known_fleet(parts: Parts, *, fresh: bool) -> Fleet:
    known = parts.store.fleet()
    return known if known.hosts and not fresh else _scan(parts)


def _scan(parts: Parts) -> Fleet:
    print(f"asking {parts.settings.fleet.hosts} of {parts.settings.fleet.inventory} …", file=sys.stderr)

    def tell(host: str, error: str | None) -> None:
        print(printable(f"  {host}: {error or 'answers'}"), file=sys.stderr)

    before = parts.store.fleet()
    scans = scan(
        parts.playbooks, parts.runs / "scans", parts.settings.fleet.hosts, utc_now, before.hosts, tell
    )
    return merge(before, scans, utc_now())


def _why_nothing_comes(parts: Parts, number: int, *, begun: bool) -> str | None:
    """Return why waiting for the end of the rollout of push ``number`` is in vain, or None."""
    if not is_held(parts.state):
        return "the operator has stopped; the push is recorded, and goes on when an operator runs again"
    if not begun and number not in {one.push for one in parts.store.wanted(parts.registry_hosts)}:
        return "a newer push of the same image took its place"
    return None


def _follow(parts: Parts, number: int, as_json: bool) -> int:  # noqa: FBT001 - a flag of the command line
    """Wait for the rollout of push ``number``, and tell outcomes as they come."""
    told: dict[str, str] = {}
    while True:
        row = next((row for row in parts.listings.rollouts(100) if row["push"] == number), None)
        shown = parts.listings.rollout(row["id"]) if row else None
        for one in shown["targets"] if shown else ():
            if told.get(one["key"]) != one["outcome"]:
                told[one["key"]] = one["outcome"]
                line = f"  {one['kind']} {one['name']} at {one['place']}: {one['outcome']}"
                print(printable(line), file=sys.stderr)
        if shown and shown["state"] != State.RUNNING:
            break
        why = _why_nothing_comes(parts, number, begun=shown is not None)
        if why:
            print(why, file=sys.stderr)
            return 1
        time.sleep(_WAIT_SECONDS)
    if as_json:
        print_json(shown)
    else:
        print(f"rollout {shown['id']}: {shown['state']}, {counts(shown['outcomes'])}")
    return 0 if all(Outcome(outcome).is_good for outcome in told.values()) else 1
