# SPDX-License-Identifier: Apache-2.0
"""The command line: python -m lab setup|up|down|status|prune, with tests/ in PYTHONPATH."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from lab import cgroups, roots, sweep, tools
from lab.errors import LabError
from lab.fleet import Lab
from lab.spec import CONTROL, ENGINE, KNOWN_SUITES, SUITES, HostSpec, LabSpec, RegistrySpec, SwarmSpec


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns 0, or 1 with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (LabError, ValueError) as error:
        print(f"lab: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    setup = commands.add_parser("setup", help="install what is missing on this machine")
    setup.add_argument("--roots", action="store_true", help="make the root file systems, too")
    setup.set_defaults(command=_setup)

    up = commands.add_parser("up", help="start a lab; one of the same name is replaced")
    up.add_argument("--name", default="demo")
    up.add_argument("--standalone", type=int, default=0, metavar="N", help="hosts in no swarm")
    up.add_argument("--swarm", action="append", default=[], metavar="NAME:MANAGERS+WORKERS")
    up.add_argument(
        "--registry", action="append", default=[], metavar="NAME:PORT", help="registry:5000 if none"
    )
    up.add_argument("--suite", choices=KNOWN_SUITES, help="of every host; without it, they take turns")
    up.set_defaults(command=_up)

    down = commands.add_parser("down", help="remove a lab, or what is left of it")
    down.add_argument("--name", default="demo")
    down.set_defaults(command=_down)

    status = commands.add_parser("status", help="what is there of each lab")
    status.add_argument("--name", help="this lab only")
    status.add_argument("--json", action="store_true")
    status.set_defaults(command=_status)

    prune = commands.add_parser("prune", help="remove every lab")
    prune.add_argument("--roots", action="store_true", help="and the cached root file systems")
    prune.set_defaults(command=_prune)
    return parser


def _say(what: str) -> None:
    print(what, flush=True)  # noqa: T201


def _setup(options: argparse.Namespace) -> None:
    tools.setup(_say)
    if options.roots:
        roots.provide_all([*((suite, ENGINE) for suite in SUITES), (SUITES[0], CONTROL)], _say)


def _up(options: argparse.Namespace) -> None:
    spec = LabSpec(
        name=options.name,
        hosts=tuple(HostSpec(f"host{n}", options.suite) for n in range(1, options.standalone + 1)),
        swarms=tuple(_swarm(text, options.suite) for text in options.swarm),
        registries=tuple(_registry(text) for text in options.registry or ["registry:5000"]),
    )
    lab = Lab.up(spec, _say)
    _say(f"inventory: {lab.inventory}")


def _swarm(text: str, suite: str | None) -> SwarmSpec:
    try:
        name, size = text.split(":")
        managers, _, workers = size.partition("+")
        return SwarmSpec(name, int(managers), int(workers or 0), suite)
    except ValueError as error:
        raise ValueError(f"--swarm {text}: {error}; NAME:MANAGERS+WORKERS is expected") from error


def _registry(text: str) -> RegistrySpec:
    name, _, port = text.partition(":")
    if not port.isdecimal():
        raise ValueError(f"--registry {text}: NAME:PORT is expected")
    return RegistrySpec(name, int(port))


def _down(options: argparse.Namespace) -> None:
    Lab.remove(options.name)


def _status(options: argparse.Namespace) -> None:
    labs = [_status_of(name) for name in ([options.name] if options.name else sweep.known_labs())]
    if options.json:
        _say(json.dumps(labs, indent=2))
        return
    for lab in labs:
        _say(f"lab {lab['name']}: {'up' if lab['up'] else 'not up'}")
        for host in lab["hosts"]:
            engine = f"Docker {host['engine']}" if host["engine"] else "no engine answers"
            _say(
                f"  {host['name']}  {host['address']}  {host['suite']}  {engine}  {host['memory'] >> 20} MiB"
            )
        for registry in lab["registries"]:
            _say(
                f"  {registry['name']}  {registry['address']}  {'running' if registry['running'] else 'stopped'}"
            )
        for what in lab["leftovers"]:
            _say(f"  left: {what}")


def _status_of(name: str) -> dict[str, Any]:
    try:
        lab = Lab.attach(name)
    except LabError:
        return {"name": name, "up": False, "hosts": [], "registries": [], "leftovers": sweep.leftovers(name)}
    hosts = [
        {
            "name": host.name,
            "address": host.address,
            "suite": host.suite,
            "engine": host.engine_version if host.is_up and host.engine_answers() else None,
            "memory": cgroups.memory(name, host.name),
        }
        for host in lab.hosts
    ]
    registries = [
        {"name": one.name, "address": one.address, "running": one.running} for one in lab.registries
    ]
    up = all(host.is_up for host in lab.hosts)
    return {
        "name": name,
        "up": up,
        "address": lab.address,
        "state_directory": str(lab.state_directory),
        "inventory": str(lab.inventory),
        "hosts": hosts,
        "registries": registries,
        "leftovers": [] if up else sweep.leftovers(name),
    }


def _prune(options: argparse.Namespace) -> None:
    for name in sweep.known_labs():
        _say(f"removing lab {name}")
        Lab.remove(name)
    if options.roots:
        roots.forget()


if __name__ == "__main__":
    sys.exit(main())
