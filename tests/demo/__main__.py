# SPDX-License-Identifier: Apache-2.0
"""The demo: python -m demo up|down, with tests/ in PYTHONPATH. `make demo` and `make demo-down` call it."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from demo import scene
from demo.receivers import CHANNELS
from demo.scene import Deployed
from demo.updater import Updater
from lab import Lab
from lab.errors import LabError
from lab.images import good
from lab.waiting import until

NAME = "demo"


def main(arguments: Sequence[str]) -> int:
    """Play the demo, or remove it. Returns 0, or 1 when anything was not as it must be."""
    if list(arguments) == ["down"]:
        Lab.remove(NAME)
        _say("Everything the demo made is removed.")
        return 0
    if list(arguments) != ["up"]:
        _say("usage: python -m demo up|down")
        return 2
    try:
        wrong = _play()
    except (LabError, AssertionError) as error:
        _say(f"The demo could not be played: {error}")
        return 1
    for line in wrong:
        _say(f"WRONG: {line}")
    return 1 if wrong else 0


def _play() -> list[str]:
    times: dict[str, float] = {}
    _say(
        "A fleet: swarm alpha (3 managers, 1 worker), swarm beta (1 manager, 1 worker), host solo, 2 registries"
    )
    with _timed(times, "start the fleet"):
        lab = Lab.up(scene.spec(NAME), lambda line: _say(f"  {line}"))
    updater = Updater(lab)
    with _timed(times, "push and deploy version 1"):
        scene.push_first_images(lab)
        deployed = scene.deploy(lab)
    targets = [one for one in deployed if one.is_target]
    bystanders = [one for one in deployed if not one.is_target]
    _say(f"Deployed: {len(targets)} targets of test/app:1, and {len(bystanders)} that only look like them")
    with _timed(times, "start the operator, first scan"):
        updater.install()
        updater.start()
        updater.wait_for_scan(len([one for one in deployed if one.labelled]))
    with ThreadPoolExecutor(4) as pool:
        before = dict(
            zip(bystanders, pool.map(lambda one: scene.state_of(lab, one), bystanders), strict=True)
        )
    _say(f"\n$ push {lab.registry().address}/test/app:1        (version 2)")
    with _timed(times, "push to all targets updated"):
        digest = lab.registry().push("test/app", "1", good("2"))
        _show_outcomes(updater, digest)
    with _timed(times, "messages"):
        until(
            lambda: all(map(updater.inbox.messages, CHANNELS)), who="the team", what="was told", deadline=60
        )
    with _timed(times, "check everything"):
        wrong = _check(lab, updater, digest, targets, before)
    _report(lab, updater, times, len(targets), len(bystanders), wrong)
    return wrong


def _show_outcomes(updater: Updater, digest: str) -> None:
    """Say what becomes of each target as soon as it is known, until the rollout has ended."""
    begun = time.monotonic()
    said: set[str] = set()

    def has_ended() -> bool:
        rollout = updater.rollout_of(digest)
        for one in rollout["targets"] if rollout else ():
            if one["key"] not in said:
                said.add(one["key"])
                seconds = time.monotonic() - begun
                _say(
                    f"  {seconds:5.1f} s  {one['kind']:9} {one['name']:12} {one['place']:20} {one['outcome']}"
                )
        return rollout is not None and rollout["state"] != "running"

    until(has_ended, who="the operator", what="has rolled out", deadline=300, log=updater.log, pause=0.2)


def _check(
    lab: Lab, updater: Updater, digest: str, targets: Sequence[Deployed], before: Mapping[Deployed, object]
) -> list[str]:
    wrong = [
        f"{one.key} does not run {digest}" for one in targets if not scene.runs_exactly(lab, one, digest)
    ]
    wrong += [f"{one.key} was touched" for one, state in before.items() if scene.state_of(lab, one) != state]
    rollout = updater.rollout_of(digest) or {"targets": []}
    wrong += [
        f"{one['kind']} {one['name']} at {one['place']} ended as {one['outcome']}: {one['message']}"
        for one in rollout["targets"]
        if one["outcome"] != "updated"
    ]
    if len(rollout["targets"]) != len(targets):
        wrong.append(f"the rollout tells of {len(rollout['targets'])} targets, not of {len(targets)}")
    for channel in CHANNELS:
        if digest.removeprefix("sha256:")[:12] not in "".join(updater.inbox.messages(channel)).replace(
            "=\n", ""
        ):
            wrong.append(f"the message by {channel} does not name the digest")
    return wrong


def _report(
    lab: Lab, updater: Updater, times: dict[str, float], targets: int, bystanders: int, wrong: list[str]
) -> None:
    if not wrong:
        _say(
            f"\nAll {targets} targets run exactly the pushed digest; {bystanders} lookalikes were not touched;"
        )
        _say(f"the team was told by {', '.join(CHANNELS)}.")
    _say("\nHow long it took:")
    for what, seconds in times.items():
        _say(f"  {seconds:6.1f} s  {what}")
    command = f"{Path(sys.executable).parent}/registry-docker-updater --config {updater.settings}"
    address = lab.registry().address
    _say(f"""
All of it still runs. What to try next:
  alias updater='{command}'
  updater status; updater why web; updater rollouts; updater rollout 1; updater fleet; updater events
  {updater.url}/                         # the pages, in a browser on this machine
  updater plan {address}/test/app:1
  skopeo copy --src-tls-verify=false --dest-tls-verify=false \\
    docker://{address}/test/app:1 docker://{address}/test/app:2     # a promotion: what runs :2 follows
  less {updater.inbox.folder}/email-1
  make demo-down                                     # removes everything""")


@contextmanager
def _timed(times: dict[str, float], what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    times[what] = time.monotonic() - begun


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it plays for a person


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
