# SPDX-License-Identifier: Apache-2.0
"""Whatever breaks in the middle of an update: one container of the name runs in the end, and nothing is left over."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.containers_proxy import Proxy, Request, parent_of
from fleet.containers_support import Site, answer_of
from lab import HostSpec, Lab, LabSpec, RegistrySpec, images
from lab.waiting import until

pytestmark = pytest.mark.lab

# The changes an update asks the engine for, in their order; the tests of every step go through them.
_GOOD_STEPS = range(1, 11)
_SOME_GOOD_STEPS = [
    number if number in (3, 6, 8) else pytest.param(number, marks=pytest.mark.extended)
    for number in _GOOD_STEPS
]
_FIRST_STEPS = [pytest.param(number, marks=pytest.mark.extended) for number in range(1, 6)]
_BAD_STEPS = [*_FIRST_STEPS, *range(6, 13)]


@pytest.fixture(scope="module", name="lab")
def _lab() -> Iterator[Lab]:
    hosts = (HostSpec("trixie", "trixie"), HostSpec("bookworm", "bookworm"))
    with Lab.running(LabSpec("containers-faults", hosts, registries=(RegistrySpec("registry"),))) as lab:
        yield lab


@pytest.fixture(
    scope="module", name="place", params=["trixie", pytest.param("bookworm", marks=pytest.mark.extended)]
)
def _place(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(lab, lab.host(request.param), tmp_path_factory.mktemp("state"), "faults")


@pytest.fixture(scope="module", name="digests")
def _digests(place: Site) -> dict[str, str]:
    made = {"old": images.good("1"), "good": images.good("2"), "bad": images.crashing("3")}
    return dict(zip(made, place.provide(*made.values()), strict=True))


@pytest.fixture(name="site")
def _site(place: Site, digests: dict[str, str], tmp_path: Path) -> Iterator[Site]:
    """A host with one running container called web, which has data in a volume without a name."""
    site = Site(place.lab, place.host, tmp_path / "state", place.repository)
    site.clean()
    site.has(digests["old"])
    site.host.docker(
        "run", "-d", "--name", "web", "--restart", "always", "-v", "/data", "-p", "8080:80", site.image
    )
    site.host.docker("exec", "web", "sh", "-c", "echo precious > /data/file")
    yield site
    if not site.host.engine_answers():
        site.host.start_engine()


@pytest.fixture(name="proxy")
def _proxy(site: Site, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(tmp_path / "engine.sock", site.socket) as proxy:
        yield proxy


def assert_runs(site: Site, version: str) -> None:
    """One container, web, runs ``version`` with its data, and nothing is left of an update."""
    assert site.names() == {"web": "running"}
    assert site.host.docker("exec", "web", "cat", "/version", "/data/file").split() == [version, "precious"]
    web = site.inspect("web")
    assert web["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert web["NetworkSettings"]["Ports"]["80/tcp"], "its port is published"
    assert list(site.state.rglob("*.swap.json")) == [], "no journal is left"


def kill_at(proxy: Proxy, number: int, moment: str, *, watcher: bool = True) -> None:
    """Kill whoever asks for change ``number``, before it is passed on or after it was done.

    Who watches over it is killed, too, unless told otherwise.
    """

    def hook(request: Request) -> str | None:
        if request.number != number:
            return None
        if watcher:
            os.kill(parent_of(request.process), signal.SIGKILL)
        os.kill(request.process, signal.SIGKILL)
        return "drop"

    setattr(proxy, moment, hook)


@pytest.mark.parametrize("number", _GOOD_STEPS)
@pytest.mark.parametrize("moment", ["after", pytest.param("before", marks=pytest.mark.extended)])
def test_an_update_killed_at_any_step_is_finished_by_the_process_that_watches_over_it(
    site: Site, proxy: Proxy, digests: dict[str, str], moment: str, number: int
) -> None:
    kill_at(proxy, number, moment, watcher=False)

    result = site.module(
        name="web", image=site.image, digest=digests["good"], engine={"docker_host": proxy.address}
    )

    assert result["outcome"] == "updated"
    assert len(proxy.changes) > number, "it was killed, and went on"
    assert_runs(site, "2")


@pytest.mark.parametrize("number", _SOME_GOOD_STEPS)
@pytest.mark.parametrize("moment", ["after", pytest.param("before", marks=pytest.mark.extended)])
def test_an_update_of_which_every_process_was_killed_is_finished_by_the_next_run(
    site: Site, proxy: Proxy, digests: dict[str, str], moment: str, number: int
) -> None:
    kill_at(proxy, number, moment)

    killed = site.module(
        name="web", image=site.image, digest=digests["good"], engine={"docker_host": proxy.address}
    )
    assert (killed["outcome"], killed["failed"]) == ("failed", True)
    assert "were killed" in killed["message"]
    assert site.names(), "there is a container at any time"

    result = site.module(name="web", image=site.image, digest=digests["good"])
    assert result["outcome"] == "updated"
    assert_runs(site, "2")


@pytest.mark.parametrize(("image", "version"), [("good", "2"), ("bad", "1")])
@pytest.mark.parametrize("number", [3, 6, 8])
def test_a_move_to_another_tag_that_was_killed_is_finished_or_put_back_with_its_name(
    site: Site, proxy: Proxy, digests: dict[str, str], number: int, image: str, version: str
) -> None:
    later = f"{site.image.rpartition(':')[0]}:2"
    kill_at(proxy, number, "after")
    move = {"name": "web", "image": later, "digest": digests[image], "moves_from": site.image}
    assert site.module(**move, engine={"docker_host": proxy.address})["failed"]

    result = site.module(**move)

    assert result["outcome"] == ("updated" if image == "good" else "rolled_back")
    assert_runs(site, version)
    assert site.inspect("web")["Config"]["Image"] == (later if image == "good" else site.image)


@pytest.mark.parametrize("number", _BAD_STEPS)
@pytest.mark.parametrize("moment", ["after", pytest.param("before", marks=pytest.mark.extended)])
def test_a_rollback_killed_at_any_step_is_finished_by_a_repair(
    site: Site, proxy: Proxy, digests: dict[str, str], moment: str, number: int
) -> None:
    old = site.inspect("web")["Id"]
    kill_at(proxy, number, moment)

    killed = site.module(
        name="web", image=site.image, digest=digests["bad"], engine={"docker_host": proxy.address}
    )
    assert killed["failed"]

    repaired = site.module(state="repaired")
    assert not repaired["failed"], repaired["message"]
    assert_runs(site, "1")
    assert site.inspect("web")["Id"] == old, "the very same container is back"
    again = site.module(name="web", image=site.image, digest=digests["bad"])
    assert again["outcome"] == "rolled_back"
    assert_runs(site, "1")


@pytest.mark.parametrize("number", _GOOD_STEPS)
@pytest.mark.parametrize("moment", ["after", pytest.param("before", marks=pytest.mark.extended)])
def test_a_request_without_an_answer_is_looked_after_and_not_repeated_blindly(
    site: Site, proxy: Proxy, digests: dict[str, str], moment: str, number: int
) -> None:
    setattr(proxy, moment, lambda request: "drop" if request.number == number else None)

    result = site.update("web", digests["good"], socket=proxy.address)

    assert result["outcome"] == "updated"
    assert_runs(site, "2")


@pytest.mark.parametrize("number", _SOME_GOOD_STEPS)
@pytest.mark.parametrize("moment", ["before", pytest.param("after", marks=pytest.mark.extended)])
def test_an_update_goes_on_when_the_engine_was_killed_and_came_back(
    site: Site, proxy: Proxy, digests: dict[str, str], moment: str, number: int
) -> None:
    """No request fails of it: as where systemd holds the engine's socket meanwhile."""

    def restart(request: Request) -> str | None:
        if request.number == number:
            site.host.kill_engine()
            site.host.start_engine()
        return None

    setattr(proxy, moment, restart)
    result = site.update("web", digests["good"], socket=proxy.address)

    assert result["outcome"] == "updated"
    assert_runs(site, "2")


def test_the_work_goes_on_when_only_the_module_is_killed(site: Site, digests: dict[str, str]) -> None:
    module = site.start_module(name="web", image=site.image, digest=digests["good"], settle=2)
    until(lambda: len(site.names()) > 1, who="module", what="works", deadline=20, pause=0.02)
    module.kill()
    module.communicate()

    until(lambda: list(site.state.rglob("*.swap.json")) == [], who="worker", what="ends", deadline=20)
    assert_runs(site, "2")


def test_two_runs_at_once_are_one_update(site: Site, digests: dict[str, str]) -> None:
    runs = [site.start_module(name="web", image=site.image, digest=digests["good"]) for _ in range(2)]
    answers = [answer_of(run.communicate(timeout=60)[0]) for run in runs]

    assert [answer["outcome"] for answer in answers] == ["updated", "updated"]
    assert answers[0]["after"] == answers[1]["after"]
    assert_runs(site, "2")


def test_two_runs_at_once_for_different_images_come_one_after_the_other(
    site: Site, digests: dict[str, str]
) -> None:
    runs = [site.start_module(name="web", image=site.image, digest=digests[one]) for one in ("good", "bad")]
    answers = [answer_of(run.communicate(timeout=60)[0])["outcome"] for run in runs]

    assert answers == ["updated", "rolled_back"]
    assert_runs(site, "2")


def interfere(proxy: Proxy, verb: str, action: Callable[[], None]) -> None:
    """Have somebody do something right before the first request of this kind is passed on."""
    done = threading.Event()

    def hook(request: Request) -> str | None:
        if request.verb == verb and not done.is_set():
            done.set()
            action()
        return None

    proxy.before = hook


def test_a_person_who_takes_the_name_meanwhile_keeps_it(
    site: Site, proxy: Proxy, digests: dict[str, str]
) -> None:
    def take() -> None:
        old = next(name for name in site.names() if name.endswith("-old"))
        site.host.docker("run", "-d", "--name", "web", site.image, "sleep", "99")
        assert old

    renames = []

    def at_second_rename(request: Request) -> str | None:
        if request.verb == "POST /containers/rename":
            renames.append(request)
            if len(renames) == 2:
                take()
        return None

    proxy.before = at_second_rename
    result = site.update("web", digests["good"], socket=proxy.address)

    assert result["outcome"] == "superseded"
    assert site.inspect("web")["Config"]["Cmd"] == ["sleep", "99"]
    assert sorted(site.names().values()) == ["exited", "running"], "the former container is kept, stopped"
    assert list(site.state.rglob("*.swap.json")) == []


def test_the_old_container_comes_back_when_a_person_removes_the_new_one(
    site: Site, proxy: Proxy, digests: dict[str, str]
) -> None:
    def remove() -> None:
        new = next(name for name in site.names() if name.endswith("-new"))
        site.host.docker("rm", "-f", new)

    interfere(proxy, "POST /containers/stop", remove)
    result = site.update("web", digests["good"], socket=proxy.address)

    assert result["outcome"] in ("rolled_back", "failed")
    assert_runs(site, "1")


def test_a_container_is_made_again_when_a_person_removes_the_old_one_and_the_new_one_is_bad(
    site: Site, proxy: Proxy, digests: dict[str, str]
) -> None:
    def remove() -> None:
        old = next(name for name in site.names() if name.endswith("-old"))
        site.host.docker("rm", "-f", old)

    interfere(proxy, "POST /containers/start", remove)
    result = site.update("web", digests["bad"], socket=proxy.address)

    assert result["outcome"] == "rolled_back"
    assert_runs(site, "1")


def test_an_old_container_that_a_person_starts_meanwhile_is_stopped_again(
    site: Site, proxy: Proxy, digests: dict[str, str]
) -> None:
    def start() -> None:
        old = next(name for name in site.names() if name.endswith("-old"))
        site.host.docker("start", old)

    interfere(proxy, "POST /containers/update", start)
    assert site.update("web", digests["good"], socket=proxy.address)["outcome"] == "updated"
    assert_runs(site, "2")


def test_containers_with_names_like_ours_are_never_removed(site: Site, digests: dict[str, str]) -> None:
    for name in ("web.updater-00000000-old", "web.updater-00000000-new", "web-old"):
        site.host.docker("create", "--name", name, site.image)

    assert site.update("web", digests["good"])["outcome"] == "updated"
    assert site.module(state="repaired")["changed"] is False
    assert len(site.names()) == 4


PLAYBOOK = """
- hosts: all
  gather_facts: false
  vars:
    fleet_scan_result: {targets: [{kind: container, name: web}]}
    standalone_container_settle: 3
  roles:
    - standalone_container
"""


def test_an_update_survives_the_loss_of_the_connection_and_is_told_to_the_next_run(
    site: Site, digests: dict[str, str], tmp_path: Path
) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK)
    root = Path(__file__).parents[2]
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i", str(site.lab.inventory), "--limit", site.host.name, str(playbook),
        "-e", f"standalone_container_image={site.image}", "-e", f"standalone_container_digest={digests['good']}",
    ]  # fmt: skip
    environment = {**os.environ, "ANSIBLE_ROLES_PATH": str(root / "roles"), "ANSIBLE_TIMEOUT": "5"}
    environment["ANSIBLE_SSH_ARGS"] = "-o ServerAliveInterval=1 -o ServerAliveCountMax=2"
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        try:
            until(lambda: len(site.names()) > 1, who="play", what="works", deadline=60, pause=0.02)
            site.host.cut_off()
            out, _ = first.communicate(timeout=60)
            assert first.returncode == 4, out
            until(lambda: site.names() == {"web": "running"}, who="worker", what="ends", deadline=30)
            assert_runs(site, "2")
        finally:
            first.kill()
            site.host.reconnect()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    assert again.returncode == 0, again.stdout
    assert "changed=0" in again.stdout
    assert_runs(site, "2")
