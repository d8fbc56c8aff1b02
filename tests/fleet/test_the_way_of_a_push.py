# SPDX-License-Identifier: Apache-2.0
"""The whole way of a push on real parts: registry, operator, Ansible over SSH, engines and swarms, messages.

One fleet and one operator serve all tests of this file, in their order; each pushes images of its own.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import testinfra
from playwright.sync_api import Browser, expect

from demo import scene
from demo.receivers import CHANNELS
from demo.scene import Deployed
from demo.updater import Updater
from lab import Lab
from lab.images import good
from lab.kept import holding
from lab.waiting import until

pytestmark = pytest.mark.lab

_SECONDS_TO_ROLL_OUT = 240


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.running(scene.spec("way")) as lab:
        yield lab


@pytest.fixture(scope="module")
def deployed(lab: Lab) -> tuple[Deployed, ...]:
    scene.push_first_images(lab)
    return scene.deploy(lab)


@pytest.fixture(scope="module")
def updater(lab: Lab, deployed: tuple[Deployed, ...]) -> Updater:
    updater = Updater(lab)
    updater.install({"standalone_container_settle": 3})
    updater.start()
    updater.wait_for_scan(len([one for one in deployed if one.labelled]))
    return updater


def _finished(updater: Updater, digest: str, name: str = "test/app:1") -> dict[str, Any]:
    """The rollout of a repository and tag to a digest, once it has ended for good."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        rollout = updater.rollout_of(digest, name)
        if rollout:
            found.update(rollout)
        return rollout is not None and rollout["state"] in ("finished", "superseded")

    until(
        has_ended,
        who="the operator",
        what=f"has rolled out {digest}",
        deadline=_SECONDS_TO_ROLL_OUT,
        log=updater.log,
        pause=0.3,
    )
    return found


def _outcomes(rollout: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["outcome"] for one in rollout["targets"]}


def _update_runs(updater: Updater) -> list[Path]:
    return sorted(updater.state.glob("runs/*/update-*"))


def test_a_push_updates_exactly_what_opted_in_and_runs_exactly_this_name(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """Labelled services of both swarms and labelled containers follow; every lookalike stays as it was."""
    bystanders = {one: scene.state_of(lab, one) for one in deployed if not one.is_target}

    digest = lab.registry("registry").push("test/app", "1", good("2"))
    rollout = _finished(updater, digest)

    targets = [one for one in deployed if one.is_target]
    assert [one.key for one in targets if not scene.runs_exactly(lab, one, digest)] == []
    assert {one.key: scene.state_of(lab, one) for one in bystanders} == {
        one.key: state for one, state in bystanders.items()
    }
    assert set(_outcomes(rollout).values()) == {"updated"}
    assert len(rollout["targets"]) == len(targets)


def test_the_hosts_themselves_say_what_runs(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """Asked over SSH, as Ansible is, each host runs what the registry has under the name."""
    digest = lab.registry("registry").digest("test/app", "1")
    assert updater.state.is_dir()
    for one in deployed:
        if one.is_target and one.kind == "container":
            host = testinfra.get_host(f"ansible://{one.host}", ansible_inventory=str(lab.inventory))
            container = host.docker(one.name)
            assert container.is_running
            image = host.check_output(
                "docker image inspect --format '{{json .RepoDigests}}' %s", container.inspect()["Image"]
            )
            assert str(digest) in image
            assert host.check_output("docker exec %s cat /version", one.name) == "2"


def test_the_team_is_told_by_every_channel(lab: Lab, updater: Updater) -> None:
    """Slack, Teams and e-mail name the image, its digest, and every target."""
    digest = str(lab.registry("registry").digest("test/app", "1"))
    until(
        lambda: all(map(updater.inbox.messages, CHANNELS)),
        who="the team",
        what="was told",
        deadline=60,
        log=updater.log,
    )

    for channel in CHANNELS:
        message = updater.inbox.messages(channel)[0].replace("=\n", "").replace("=\r\n", "")
        for word in ("test/app:1", digest.removeprefix("sha256:")[:12], "web", "api", "other-name"):
            assert word in message, f"{word} is not in the message by {channel}: {message}"


def test_whoever_has_the_first_page_open_sees_a_push_run_and_end(
    lab: Lab, updater: Updater, browser: Browser
) -> None:
    """In a browser, on the real fleet: the rollout appears, its targets move, and its page says how it ended."""
    page = browser.new_page()
    page.goto(f"{updater.url}/")
    expect(page.locator("#live")).to_have_text("live")

    digest = str(lab.registry("registry").push("test/app", "1", good("seen")))
    running = page.locator("#running")
    expect(running).to_contain_text(digest.removeprefix("sha256:")[:12], timeout=30_000)
    expect(running.locator("tbody tr").first).to_be_visible(timeout=30_000)
    running.get_by_role("link", name=re.compile("rollout")).click()
    expect(page.locator("#rollout")).to_contain_text("ended well", timeout=_SECONDS_TO_ROLL_OUT * 1000)
    states = page.locator("#targets td[data-name=Outcome]").all_inner_texts()
    page.close()

    assert states
    assert {one.partition("\n")[0] for one in states} == {"updated"}


def test_a_push_that_nobody_runs_starts_no_playbook(lab: Lab, updater: Updater) -> None:
    """It is recorded as an event, and that is all."""
    runs = _update_runs(updater)

    digest = lab.registry("registry").push("test/idle", "1", good("idle"))
    until(
        lambda: any(event["digest"] == digest for event in updater.ask("/api/events")),
        who="the operator",
        what="has the event",
        deadline=30,
        log=updater.log,
    )
    # The planner looked at it when the next push, which somebody runs, is rolled out.
    _finished(updater, lab.registry("registry").push("test/app", "2", good("other tag")), "test/app:2")

    assert updater.rollout_of(digest, "test/idle:1") is None
    assert len(_update_runs(updater)) == len(runs) + 1


def test_a_promotion_by_retagging_is_a_push(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """Giving test/app:1 the name my/test/app:1 too updates what runs the latter."""
    digest = lab.registry("registry").retag("test/app", "1", "my/test/app")

    _finished(updater, digest, "my/test/app:1")

    promoted = [one for one in deployed if one.name == "ends-alike"]
    assert len(promoted) == 2
    assert [one.key for one in promoted if not scene.runs_exactly(lab, one, digest)] == []


def test_kill_minus_nine_between_the_answer_and_the_playbook_loses_nothing(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """What was answered 202 happens after a restart, though the operator died before any playbook ran."""
    updater.stop()
    # The event waits in the registry's queue; the operator dies the moment it has stored it.
    digest = lab.registry("registry").push("test/app", "1", good("3"))
    updater.start()
    until(
        lambda: any(event["digest"] == digest for event in updater.ask("/api/events")),
        who="the operator",
        what="has the event",
        deadline=30,
        log=updater.log,
        pause=0.001,
    )
    updater.kill()
    targets = [one for one in deployed if one.is_target]
    done_before_the_kill = [one.key for one in targets if scene.runs_exactly(lab, one, digest)]
    updater.start()

    _finished(updater, digest)

    assert done_before_the_kill == []
    assert [one.key for one in targets if not scene.runs_exactly(lab, one, digest)] == []


def test_a_template_in_an_event_is_text_all_the_way(lab: Lab, updater: Updater, tmp_path: Path) -> None:
    """An actor that holds a template, a command and quotes runs nothing, and is told as it is."""
    trap = tmp_path / "trap"
    actor = f"{{{{ lookup('pipe', 'touch {trap}') }}}} $(touch {trap}) `touch {trap}` \"'"
    digest = lab.registry("registry").client.push("other/place", "1", good("4"))
    lab.registry("registry").retag("other/place", "1", "test/app", "unseen")
    event = {
        "id": "hostile",
        "timestamp": "2999-01-01T00:00:00Z",
        "action": "push",
        "target": {
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "repository": "test/app",
            "digest": digest,
            "tag": "1",
        },
        "actor": {"name": actor},
    }
    hostile_name = {**event, "id": "hostile name", "target": {**event["target"], "repository": actor}}  # type: ignore[dict-item]
    mails = len(updater.inbox.messages("email"))
    # The tag names something else so far, and the registry would say so.
    updater.reload("registry", verify=False)

    answer = requests.post(
        f"{updater.url}/events/registry",
        json={"events": [event, hostile_name]},
        headers={"Authorization": "Bearer only the registry of this lab knows this"},
        timeout=10,
    )

    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "ignored": 0, "duplicates": 0, "unreadable": 1}
    rollout = _finished(updater, digest)
    assert rollout["actor"] == actor
    # From now on the tag is what the event said, or the sweep would put it right.
    lab.registry("registry").retag("other/place", "1", "test/app", "1")
    updater.reload("registry", verify=None)
    until(lambda: len(updater.inbox.messages("email")) > mails, who="the team", what="was told", deadline=60)
    assert not trap.exists()
    for host in lab.hosts:
        assert host.run("test", "-e", str(trap), check=False).returncode == 1


@pytest.mark.extended
def test_a_host_that_was_down_catches_up_by_itself(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """It is told as unreachable, by name and cause, and updated when it is back; the others do not wait."""
    solo = lab.host("solo")
    solo.cut_off()
    try:
        digest = lab.registry("registry").push("test/app", "1", good("5"))
        elsewhere = [one for one in deployed if one.is_target and one.host != "solo"]
        until(
            lambda: all(scene.runs_exactly(lab, one, digest) for one in elsewhere),
            who="the operator",
            what="has updated the hosts that answer",
            deadline=_SECONDS_TO_ROLL_OUT,
            log=updater.log,
            pause=1,
        )
        rollout: dict[str, Any] = {}

        def waits_for_solo() -> bool:
            # While the next attempt runs there is nothing to say yet of its end.
            rollout.update(updater.rollout_of(digest) or {})
            return rollout.get("state") == "waiting" and "unreachable" in _outcomes(rollout).values()

        until(
            waits_for_solo,
            who="the operator",
            what="says who is unreachable",
            deadline=120,
            log=updater.log,
            pause=0.1,
        )
        checked = updater.command("check", check=False)
    finally:
        solo.reconnect()

    assert checked.returncode == 1
    assert "host solo: " in checked.stdout
    assert "solo" in rollout["note"]
    assert _outcomes(_finished(updater, digest))["container/solo/app"] == "updated"
    on_solo = [one for one in deployed if one.is_target and one.host == "solo"]
    assert [one.key for one in on_solo if not scene.runs_exactly(lab, one, digest)] == []


def test_an_operator_that_was_stopped_gets_the_events_it_missed(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """The registry keeps them until somebody answers."""
    updater.stop()
    digest = lab.registry("registry").push("test/app", "1", good("6"))
    updater.start()

    _finished(updater, digest)

    targets = [one for one in deployed if one.is_target]
    assert [one.key for one in targets if not scene.runs_exactly(lab, one, digest)] == []


def test_the_command_line_tells_the_same_story(lab: Lab, updater: Updater) -> None:
    """Listings, plan and a push by hand, as a person uses them."""
    address = lab.registry("registry").address
    digest = str(lab.registry("registry").digest("test/app", "1"))

    assert updater.listing("rollouts")[0]["digest"] == digest
    assert updater.listing("rollout", str(updater.listing("rollouts")[0]["id"]))["state"] == "finished"
    assert {target["name"] for target in updater.listing("fleet")["targets"]} >= {"web", "api", "other-name"}
    planned = updater.listing("plan", f"{address}/test/app:1@{digest}")
    assert {row["verdict"] for row in planned} == {"already runs this digest"}

    older = lab.registry("registry").push("test/parked", "1", good("2"))
    lab.registry("registry").retag("test/parked", "1", "test/app", "parked")
    pushed = updater.command("push", f"{address}/test/app:1@{older}", "--wait")
    assert "6 updated" in pushed.stdout


def test_no_secret_is_in_what_is_kept(updater: Updater) -> None:
    """Neither the registry's secret nor the address of a webhook stands in any file of a run."""
    secrets = ("only the registry of this lab knows this", "/slack/T0/B0/x", "/teams/workflows/x")
    assert holding(updater.state / "runs", *secrets) == []
    for directory in _update_runs(updater):
        assert directory.stat().st_mode & 0o777 == 0o700
        assert directory.stat().st_uid == os.getuid()


def _playbook(
    lab: Lab, name: str, image: str, digest: str, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook by hand from the checkout, as its docs say."""
    command = ("ansible-playbook", "-i", str(lab.inventory), f"playbooks/{name}", "-e", f"image={image}")
    root = Path(__file__).parents[2]
    return subprocess.run(
        (*command, "-e", f"digest={digest}", *options), cwd=root, capture_output=True, text=True, check=False
    )


def test_check_mode_by_hand_tells_what_would_change_and_changes_nothing(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """`update.yml --check --diff` names the old and the new digest."""
    updater.stop()
    digest = lab.registry("registry").push("test/app", "1", good("7"))
    before = {one.key: scene.state_of(lab, one) for one in deployed}

    done = _playbook(
        lab, "update.yml", f"{lab.registry('registry').address}/test/app:1", digest, "--check", "--diff"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert digest in done.stdout
    assert {one.key: scene.state_of(lab, one) for one in deployed} == before


def test_update_and_tell_by_hand_need_no_operator(
    lab: Lab, deployed: tuple[Deployed, ...], updater: Updater
) -> None:
    """`rollout.yml` updates every target and tells the team; run again, it changes nothing and tells nobody."""
    digest = str(lab.registry("registry").digest("test/app", "1"))
    image = f"{lab.registry('registry').address}/test/app:1"
    aliases = ("-e", json.dumps({"aliases": [lab.registry("registry").host_name]}))
    mails = len(updater.inbox.messages("email"))

    first = _playbook(lab, "rollout.yml", image, digest, *aliases)
    after_first = [one.key for one in deployed if one.is_target and not scene.runs_exactly(lab, one, digest)]
    second = _playbook(lab, "rollout.yml", image, digest, *aliases)

    assert first.returncode == 0, first.stdout + first.stderr
    assert after_first == []
    assert second.returncode == 0, second.stdout + second.stderr
    assert len(updater.inbox.messages("email")) == mails + 1
    updater.start()
