"""``check``: whether settings, inventory, hosts and registries are as they should be."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from registry_docker_updater.activities.channels import KnownChannels, known_channels
from registry_docker_updater.activities.poll import check_registry
from registry_docker_updater.cli.asking_hosts import scan
from registry_docker_updater.cli.command import Command, json_option
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.fleet.engines import engine_notes
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.live import FOLLOWED
from registry_docker_updater.core.notifications.receivers import DEFAULT
from registry_docker_updater.core.policy.notes import rule_notes
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.followers import KnownFollowers
from registry_docker_updater.core.schedules.repairs import unfinished_notes
from registry_docker_updater.core.schedules.scans import too_old
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings.notifying import notification_policy
from registry_docker_updater.settings.weak import weak_secrets
from registry_docker_updater.views.messages import receiver


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Tell whether the settings are right, and every host and registry answers."""
    problems = []
    try:
        fleet = scan(parts, output)
    except UpdaterError as error:
        # The registries can be asked all the same.
        fleet, problems = Fleet(), [f"fleet: {error}"]
    nobody_asked = bool(problems)
    unreachable = {host.name: host.error for host in fleet.hosts.values() if host.error}
    problems += [f"host {name}: {error}" for name, error in sorted(unreachable.items())]
    followers = KnownFollowers(DesiredImages(parts.registry_hosts).registry_of)
    of_tags: list[str] = []
    for polled in parts.polled:
        output.remark(f"asking registry {polled.name} …")
        checked = check_registry(polled, fleet, followers(fleet, parts.policies(), polled.name))
        problems += checked.problems
        of_tags += (f"registry {polled.name}: {note}" for note in checked.notes)
    channels_of: Mapping[str, Sequence[str]] = {}
    try:
        channels = _channels(parts, fleet, output)
        problems += channels.problems
        channels_of = channels.receivers
    except UpdaterError as error:
        # What keeps hosts from being asked, such as a broken inventory, is said once.
        problems += [] if nobody_asked else [f"notifications: {error}"]
    warnings = [*_warnings(parts, fleet), *of_tags, *_silent(channels_of)]
    if given.json:
        output.json(
            {
                "problems": problems,
                "warnings": warnings,
                "hosts": len(fleet.hosts),
                "targets": len(fleet.targets),
                "receivers": _receivers(parts, channels_of),
            }
        )
    else:
        for problem in problems:
            output.line(f"wrong: {problem}")
        for warning in warnings:
            output.line(f"note: {warning}")
        for one in _receivers(parts, channels_of):
            output.line(f"channels: {_line(one)}")
        answering = len(fleet.hosts) - len(unreachable)
        output.line(f"{answering} of {len(fleet.hosts)} hosts answer, {len(fleet.targets)} targets")
    return 1 if problems else 0


def _channels(parts: Parts, fleet: Fleet, output: Output) -> KnownChannels:
    """Return the channels of all whom the settings, or labels of targets, name."""
    output.remark("looking which channels are set …")
    names = {name for target in fleet.targets.values() for name in target.notify}
    names |= parts.settings.notifications.receivers.keys()
    variables = notification_policy(parts.settings).variables
    return known_channels(parts.playbooks, parts.runs, variables, names - {DEFAULT})


def _receivers(parts: Parts, channels_of: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return who is told of what, with the channels that they have."""
    known = parts.settings.notifications.as_core
    names = sorted(channels_of.keys() | {one.name for one in known.all})
    return [{**receiver(known.get(name)), "channels": list(channels_of.get(name, ()))} for name in names]


def _line(one: Mapping[str, Any]) -> str:
    details = [
        f"{one['name']} by {', '.join(one['channels']) or 'no channel'}",
        f"gets {'; '.join(one['gets'])}",
        f"of {', '.join(one['topics'])}",
        f"quiet from {one['quiet_hours']}" if one["quiet_hours"] else "",
        f"a digest of {one['digest']}" if one["digest"] else "",
    ]
    return ", ".join(filter(None, details))


def _silent(channels_of: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if channels_of and not any(channels_of.values()):
        yield "nobody is told of anything: no channel is set; docs/notifications.md says which variables do"


def _warnings(parts: Parts, fleet: Fleet) -> Iterator[str]:
    yield from weak_secrets(parts.settings)
    if parts.exposure:
        yield parts.exposure
    for host in fleet.hosts.values():
        for warning in (*host.warnings, *unfinished_notes(host), *rule_notes(host, fleet)):
            yield f"host {host.name}: {warning}"
    for name, note in engine_notes(fleet):
        yield f"host {name}: {note}"
    if not parts.has_operator:
        return
    for host in fleet.hosts.values():
        if host.live not in (None, FOLLOWED):
            yield f"host {host.name}: the live view: {host.live}"
    asked_at = (host.asked_at for host in parts.storage.fleet.load().hosts.values())
    old = too_old(asked_at, parts.settings.fleet.scan_interval, parts.clock())
    if old:
        yield old


COMMAND = Command(
    "check",
    "check settings, inventory and reachability of all hosts",
    (json_option,),
    run,
    about="Looks whether the settings are right, whether every host of the inventory and every registry answers, and who is told by which channels. Changes nothing.",
    examples=("check", "--config config.yml check --json"),
    exits={Exit.WRONG: "something is wrong; each thing is a line"},
)
