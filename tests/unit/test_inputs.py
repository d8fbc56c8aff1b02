"""What a run is made of is told by digests, which somebody else can compute, and which notice whatever was changed."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.edges.runs import inputs, kept_events
from registry_docker_updater.edges.runs.inputs import COLLECTION_FOLDER, Inputs

AS_DOCUMENTED = (
    "find playbooks roles plugins -type f -not -path '*/__pycache__/*' -not -path '*/.*'"
    " | LC_ALL=C sort | xargs sha256sum | sha256sum"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A collection, an inventory with variables, and the settings of Ansible."""
    for path in (
        "ours/playbooks/update.yml",
        "ours/roles/one/tasks/main.yml",
        "ours/plugins/modules/x.py",
        "ours/plugins/modules/__pycache__/x.pyc",
        "ours/docs/x.md",
        "shop/hosts.yml",
        "shop/group_vars/all/vars.yml",
        "shop/host_vars/solo.yml",
        "shop/other.yml",
        "shop/ansible.cfg",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return tmp_path


def made(shop: Path, inventory: str = "hosts.yml", environment: dict[str, str] | None = None) -> Inputs:
    return Inputs(shop / "shop" / inventory, shop / "shop", environment or {}, shop / "ours")


def names(digests: dict[str, Any], shop: Path) -> list[str]:
    return sorted(str(Path(path).relative_to(shop / "shop")) for path in digests)


def test_code_is_what_anybody_can_compute_in_the_folder_of_the_collection(shop: Path) -> None:
    for ours in (shop / "ours", COLLECTION_FOLDER):
        done = subprocess.run(AS_DOCUMENTED, shell=True, cwd=ours, capture_output=True, text=True, check=True)
        assert Inputs(shop, shop, {}, ours).now()["code"] == done.stdout.split()[0]


def test_an_inventory_is_a_file_with_its_variables_or_all_files_of_a_folder(shop: Path) -> None:
    found = made(shop).now()["inventory"]
    assert names(found, shop) == ["group_vars/all/vars.yml", "host_vars/solo.yml", "hosts.yml"]
    digest = hashlib.sha256(b"shop/hosts.yml").hexdigest()
    assert found[str(shop / "shop/hosts.yml")] == digest
    (shop / "shop/.git").mkdir()
    (shop / "shop/.git/x").write_text("x")
    assert len(made(shop, ".").now()["inventory"]) == 5


def test_of_an_inventory_of_many_files_one_digest_is_told_that_notices_a_change_in_any(shop: Path) -> None:
    """Each run keeps it, and ten thousand hosts have as many files of variables."""
    for number in range(100):
        (shop / f"shop/host_vars/host-{number}.yml").write_text(f"number: {number}\n")
    asked = made(shop)
    ((name, before),) = asked.now()["inventory"].items()
    assert name == f"{shop}/shop/hosts.yml (103 files)"
    paths = sorted(str(path) for path in (shop / "shop").rglob("*.yml") if path.name != "other.yml")
    lines = "".join(f"{hashlib.sha256(Path(path).read_bytes()).hexdigest()}  {path}\n" for path in paths)
    assert before == hashlib.sha256(lines.encode()).hexdigest()
    (shop / "shop/host_vars/host-50.yml").write_text("number: another\n")
    assert asked.now()["inventory"] != {name: before}


def test_the_settings_of_ansible_are_those_that_it_takes(shop: Path) -> None:
    (shop / "named.cfg").write_text("x")
    assert names(made(shop).now()["ansible_cfg"], shop) == ["ansible.cfg"]
    named = made(shop, environment={"ANSIBLE_CONFIG": str(shop / "named.cfg")})
    assert list(named.now()["ansible_cfg"]) == [str(shop / "named.cfg")]


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("ours/playbooks/update.yml", "code"),
        ("ours/roles/one/tasks/more.yml", "code"),
        ("shop/hosts.yml", "inventory"),
        ("shop/group_vars/all/vars.yml", "inventory"),
        ("shop/host_vars/other.yml", "inventory"),
        ("shop/notification_handlers/pager.yml", "inventory"),
        ("shop/ansible.cfg", "ansible_cfg"),
    ],
)
def test_what_was_changed_is_noticed(shop: Path, path: str, part: str) -> None:
    asked = made(shop)
    before = asked.now()
    (shop / path).parent.mkdir(exist_ok=True)
    (shop / path).write_text("changed")
    after = asked.now()
    assert [name for name in before if before[name] != after[name]] == [part]
    (shop / path).unlink()
    assert asked.now() != after


@pytest.mark.parametrize(
    "path", ["ours/docs/x.md", "ours/plugins/modules/__pycache__/y.pyc", "shop/other.yml"]
)
def test_what_no_run_is_made_of_counts_for_nothing(shop: Path, path: str) -> None:
    asked = made(shop)
    before = asked.now()
    (shop / path).write_text("changed")
    assert asked.now() == before


def test_nothing_is_read_twice_that_was_not_changed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = kept_events.sha256_of

    def note(path: str) -> str | None:
        read.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(inputs, "sha256_of", note)
    asked = made(shop)
    asked.now()
    assert len(read) == 7
    asked.now()
    (shop / "shop/hosts.yml").write_text("changed")
    asked.now()
    assert read[7:] == ["hosts.yml"]


def test_what_cannot_be_read_is_named_and_tried_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, hosts = made(shop), str(shop / "shop/hosts.yml")
    real = kept_events.sha256_of
    monkeypatch.setattr(inputs, "sha256_of", lambda path: None if str(path).endswith(".yml") else real(path))
    unread = asked.now()
    assert (unread["code"], unread["inventory"][hosts]) == (None, None)
    monkeypatch.undo()
    assert asked.now()["inventory"][hosts] == hashlib.sha256(b"shop/hosts.yml").hexdigest()
    (shop / "shop/group_vars/gone").symlink_to(shop / "nowhere")
    (shop / "shop/group_vars/again").symlink_to(shop / "shop/group_vars")
    assert asked.now()["inventory"][str(shop / "shop/group_vars/gone")] is None
