# SPDX-License-Identifier: Apache-2.0
"""The operator on a control host: from nothing to the first update, and from one release to the next.

The control host has systemd, and all else is as real. The tests of this file play in their order on one lab.
"""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.operator_role import BROKEN, PORT, ROOT, SECRET, STATE, Shop, build, kill, spec
from lab import Lab
from lab.images import good
from lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

_HOME, _ETC = "/opt/registry-docker-updater", "/etc/registry-docker-updater"
_REFUSED, _NEXT = "came with settings that were refused", "the next secret of this registry"
_SERVICE = "registry-docker-updater"


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.extended)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Lab.running(spec(f"operator-{request.param}", request.param)) as lab:
        made = Shop(lab, tmp_path_factory.mktemp("shop"))
        made.prepare()
        yield made


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    built = {version: build(folder, version) for version in ("0.1.0", "0.2.0")}
    return {**built, "0.3.0": build(folder, "0.3.0", is_broken=True)}


def sent(shop: Shop, secret: str) -> int:
    """What the operator answers to a registry that proves itself so: 400 where it takes the proof, and not the event."""
    request = urllib.request.Request(
        f"http://{shop.control.address}:{PORT}/events/lab",
        b"",
        {"Authorization": f"Bearer {secret}"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def is_ready(shop: Shop) -> bool:
    with urllib.request.urlopen(f"http://{shop.control.address}:{PORT}/readyz", timeout=10) as answer:
        return int(answer.status) == 200


def test_a_dry_run_of_the_example_on_a_host_that_has_nothing_does_nothing(
    shop: Shop, packages: dict[str, Path]
) -> None:
    """The play of the role's README, as it stands there, says what it would do."""
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "roles/operator/README.md").read_text(), re.DOTALL)
    play = shop.folder / "install.yml"
    play.write_text(example)
    (shop.folder / "dist").mkdir()
    (shop.folder / "dist" / packages["0.1.0"].name).symlink_to(packages["0.1.0"])

    played = shop.play({"vault_production_secret": SECRET}, "--check", "--diff", playbook=str(play))

    assert played.code == 0, played.text
    assert played.changed > 5
    left = shop.control.run("sh", "-c", f"ls -d {_HOME} {_ETC} {STATE}; id updater", check=False).stdout
    assert left == ""
    assert SECRET not in played.text


def test_from_nothing_it_is_installed_and_ready(shop: Shop, packages: dict[str, Path]) -> None:
    played = shop.play(shop.variables(packages["0.1.0"]))

    assert played.code == 0, played.text
    assert is_ready(shop)
    assert shop.release == "0.1.0"
    assert shop.shown("User") == "updater"
    for secret in (SECRET, "PRIVATE KEY", "quoted"):
        assert secret not in played.text
    # What is left to do by hand is said.
    assert f"{shop.control.address}:{PORT}/events/lab" in played.text
    assert "let in this key: ssh-ed25519 " in played.text


def test_a_push_to_the_registry_updates_a_container_of_the_fleet(shop: Shop) -> None:
    registry, solo = shop.lab.registry("lab"), shop.lab.host("solo")
    registry.push("test/app", "1", good("1"))
    label = ("--label", "registry-docker-updater=true")
    solo.docker("run", "--detach", "--name", "app", *label, f"{registry.address}/test/app:1")

    registry.push("test/app", "1", good("2"))

    until(
        lambda: (
            [one["outcomes"] for one in shop.operator("rollouts") if one["state"] == "finished"]
            == [{"updated": 1}]
        ),
        who="the operator",
        what="has rolled out",
        deadline=180,
        pause=1,
    )
    assert solo.docker("exec", "app", "cat", "/version").strip() == "2"


def test_systemd_rates_its_exposure_under_three(shop: Shop) -> None:
    said = shop.control.run("systemd-analyze", "security", "--no-pager", "registry-docker-updater").stdout
    assert float(re.findall(r"Overall exposure level .*: ([0-9.]+)", said)[0]) < 3
    assert shop.shown("UMask") == "0077"
    assert shop.shown("StateDirectoryMode") == "0700"


def test_what_is_secret_is_for_its_user_alone_and_what_it_is_given_arrives_whole(shop: Shop) -> None:
    names = f"{_ETC}/lab.secret {_ETC}/environment {STATE}/.ssh/id_ed25519 {STATE} {_ETC} {STATE}/updater.db"
    modes = shop.control.run("stat", "--format=%a %U", *names.split()).stdout.splitlines()
    assert modes == ["600 updater", "600 root", "600 updater", "700 updater", "750 root", "600 updater"]
    environment = shop.control.run("cat", f"/proc/{shop.shown('MainPID')}/environ").stdout.split("\0")
    assert 'TOKEN=a "quoted" $value \\ with `all`' in environment


def test_a_second_run_changes_nothing(shop: Shop, packages: dict[str, Path]) -> None:
    pid = shop.shown("MainPID")
    for options in ((), ("--check", "--diff")):
        played = shop.play(shop.variables(packages["0.1.0"]), *options)
        assert (played.code, played.changed) == (0, 0), played.text
    assert shop.shown("MainPID") == pid


def test_settings_that_are_wrong_are_named_and_change_nothing(shop: Shop, packages: dict[str, Path]) -> None:
    """What came with them is read once they are mended, though that play finds it written already."""
    before = shop.control.run("cat", f"{_ETC}/config.yml").stdout
    pid = shop.shown("MainPID")
    secrets = {"lab.secret": _REFUSED}
    variables = shop.variables(packages["0.1.0"], operator_secrets=secrets)
    variables["operator_settings"]["fleet"]["invetory"] = "x"
    variables["operator_settings"]["rollouts"] = {"workers": "many"}

    played = shop.play(variables)

    assert played.code == 2, played.text
    assert "fleet.invetory: is not a setting" in played.text
    assert "rollouts.workers" in played.text
    assert shop.control.run("cat", f"{_ETC}/config.yml").stdout == before
    assert shop.shown("MainPID") == pid
    assert sent(shop, SECRET) != 401

    played = shop.play(shop.variables(packages["0.1.0"], operator_secrets=secrets))

    assert played.code == 0, played.text
    assert sent(shop, _REFUSED) != 401


def test_a_secret_and_an_inventory_that_change_are_read_again_without_a_restart(
    shop: Shop, packages: dict[str, Path]
) -> None:
    pid = shop.shown("MainPID")
    (shop.folder / "fleet/more.yml").write_text("all: {hosts: {gone: {ansible_host: 192.0.2.1}}}\n")
    (shop.folder / "shared").mkdir()
    (shop.folder / "shared/all.yml").write_text("shared: by links\n")
    (shop.folder / "fleet/group_vars").mkdir()
    (shop.folder / "fleet/group_vars/all.yml").symlink_to("../../shared/all.yml")
    (shop.folder / "fleet/host_vars").symlink_to("../shared")
    played = shop.play(shop.variables(packages["0.1.0"], operator_secrets={"lab.secret": _NEXT}))
    assert played.code == 0, played.text
    until(lambda: sent(shop, _NEXT) != 401, who="the operator", what="takes the new secret", deadline=20)
    assert sent(shop, _REFUSED) == 401
    assert shop.shown("MainPID") == pid
    assert "more.yml" in shop.control.run("ls", f"{_ETC}/inventory").stdout
    linked = (f"{_ETC}/inventory/{folder}/all.yml" for folder in ("group_vars", "host_vars"))
    assert shop.control.run("cat", *linked).stdout == "shared: by links\n" * 2


def test_an_upgrade_puts_a_release_beside_the_old_one_and_keeps_all_that_is_known(
    shop: Shop, packages: dict[str, Path]
) -> None:
    """A host that left the inventory meanwhile is not updated any more. A dry run says so, and does nothing."""
    (shop.folder / "fleet/more.yml").unlink()
    pid = shop.shown("MainPID")
    played = shop.play(shop.variables(packages["0.2.0"]), "--check", "--diff")
    assert played.code == 0, played.text
    assert (shop.release, shop.shown("MainPID")) == ("0.1.0", pid)

    played = shop.play(shop.variables(packages["0.2.0"]))
    assert played.code == 0, played.text
    assert shop.release == "0.2.0"
    assert is_ready(shop)
    assert shop.control.run("ls", f"{_HOME}/releases").stdout.split() == ["0.1.0", "0.2.0"]
    assert len(shop.operator("rollouts")) == 1
    assert shop.control.run("ls", f"{_ETC}/inventory").stdout.split() == [
        "group_vars",
        "host_vars",
        "hosts.yml",
    ]


def _is_as_before(shop: Shop) -> None:
    assert shop.release == "0.2.0"
    assert is_ready(shop)
    assert len(shop.operator("rollouts")) == 1
    assert "before-upgrade" not in shop.control.run("ls", STATE).stdout
    assert "unfinished" not in shop.control.run("ls", _HOME).stdout


def test_a_release_that_does_not_get_ready_is_taken_back_with_its_database(
    shop: Shop, packages: dict[str, Path]
) -> None:
    """The broken one has brought the database up to date, which the one before would refuse.

    It comes back as it was now, not as an upgrade found it that was interrupted long ago.
    """
    shop.control.run("install", "-d", "-o", "updater", f"{STATE}/before-upgrade")
    shop.control.run("install", "-o", "updater", "/dev/null", f"{STATE}/before-upgrade/updater.db")
    played = shop.play(shop.variables(packages["0.3.0"], operator_ready_minutes=0.3))
    assert played.code == 2, played.text
    assert "Release 0.3.0 does not work with these settings, and release 0.2.0" in played.text
    assert BROKEN in played.text
    _is_as_before(shop)
    assert "updater.db" in shop.control.run("ls", f"{STATE}/failed-upgrade").stdout


def test_an_upgrade_that_was_interrupted_is_put_right_by_the_next_play(
    shop: Shop, packages: dict[str, Path]
) -> None:
    """Killed once the broken release was started; somebody then plays with the release of before."""
    with shop.start(shop.variables(packages["0.3.0"])) as process:
        assert process.stdout
        assert any("RETRYING" in line for line in process.stdout)
        kill(process)
    assert shop.release == "0.3.0"

    played = shop.play(shop.variables(packages["0.2.0"]))

    assert played.code == 0, played.text
    _is_as_before(shop)
    # Two stay installed.
    assert shop.control.run("ls", f"{_HOME}/releases").stdout.split() == ["0.2.0", "0.3.0"]


def test_a_way_back_that_was_interrupted_is_gone_to_its_end(shop: Shop, packages: dict[str, Path]) -> None:
    """Power was lost before the database was back, and the release before, which systemd starts, made one of its own."""
    shop.control.run(
        "sh",
        "-ec",
        f"systemctl stop {_SERVICE}; cd {STATE}; touch {_HOME}/unfinished;"
        " install -d -o updater before-upgrade failed-upgrade.half-made;"
        " cp -a updater.db* before-upgrade/; mv updater.db* failed-upgrade.half-made/;"
        f" systemctl start {_SERVICE}",
    )
    until(
        lambda: shop.control.run("test", "-s", f"{STATE}/updater.db", check=False).returncode == 0,
        who="the operator",
        what="has made a database",
        deadline=20,
    )

    played = shop.play(shop.variables(packages["0.2.0"]))

    assert played.code == 0, played.text
    _is_as_before(shop)


def test_a_unit_that_systemd_cannot_start_is_taken_back_with_its_environment(
    shop: Shop, packages: dict[str, Path]
) -> None:
    played = shop.play(
        shop.variables(
            packages["0.2.0"],
            operator_writable_paths=["/srv/nowhere"],
            operator_environment={"TOKEN": "another"},
            operator_ready_minutes=0.2,
        )
    )
    assert played.code == 2, played.text
    assert "and release 0.2.0 with the settings of before is in force again" in played.text
    _is_as_before(shop)
    assert shop.shown("ReadWritePaths") == ""
    environment = shop.control.run("cat", f"/proc/{shop.shown('MainPID')}/environ").stdout
    assert "TOKEN=a " in environment


@pytest.mark.extended
def test_a_port_that_is_taken_takes_the_settings_back(shop: Shop, packages: dict[str, Path]) -> None:
    """It may be the only one of this file that is run."""
    assert shop.play(shop.variables(packages["0.2.0"])).code == 0
    variables = shop.variables(packages["0.2.0"], operator_ready_minutes=0.3)
    variables["operator_settings"]["listen"] = {"port": 22}
    played = shop.play(variables)
    assert played.code == 2, played.text
    assert is_ready(shop)
    assert shop.release == "0.2.0"
