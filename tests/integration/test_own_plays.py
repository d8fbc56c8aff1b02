"""Roles in a shop's own plays: every example in a role's README runs as it stands there.

Engines are played here; what acts is run on real ones by ``tests/fleet/test_roles_in_own_plays.py``.
"""

import json
from pathlib import Path

import pytest

from integration.conftest import Site
from integration.receivers import webhook
from integration.role_examples import ROLES, ROOT, paste, run_play
from unit.builders import HOST

pytestmark = pytest.mark.slow

IMAGE = f"{HOST}/test/app:1"


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_an_example_that_ansible_takes(role: str, tmp_path: Path) -> None:
    plays = paste(role, tmp_path)
    assert plays, (
        f"no example in the README of {role} begins with `# NAME.yml: ansible-playbook -i INVENTORY NAME.yml`"
    )
    for play in plays:
        done = run_play(play, {}, "--syntax-check")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", ROLES)
def test_every_yaml_in_a_readme_of_a_role_is_such_an_example(role: str, tmp_path: Path) -> None:
    """Else it would be one that no test runs."""
    paste(role, tmp_path)
    readme = (ROOT / "roles" / role / "README.md").read_text()
    assert readme.count("```yaml") == len(list(tmp_path.iterdir()))


def test_a_scan_of_a_shops_own_asks_the_engine_that_its_inventory_names(site: Site, tmp_path: Path) -> None:
    site.add_host("one", IMAGE)
    (play,) = paste("fleet_scan", tmp_path)
    done = run_play(play, inventory_of(site))
    assert done.returncode == 0, done.stdout
    assert f'"{IMAGE}"' in done.stdout
    assert site.engines["one"].asked


def test_an_engine_that_cannot_be_meant_is_named_with_what_can_be(site: Site, tmp_path: Path) -> None:
    site.add_host("one", IMAGE)
    site.hosts["one"]["docker_engine"] = {"docker_hots": "unix:///run/other.sock"}
    (play,) = paste("fleet_scan", tmp_path)
    done = run_play(play, inventory_of(site))
    assert done.returncode == 2
    assert "engine.docker_hots" in done.stdout
    assert "docker_host" in done.stdout


def test_a_repair_of_a_shops_own_asks_the_engine_that_its_inventory_names(site: Site, tmp_path: Path) -> None:
    site.add_host("one", IMAGE)
    site.hosts["one"]["standalone_container_state_directory"] = str(tmp_path / "state")
    _, play = paste("standalone_container", tmp_path)
    done = run_play(play, inventory_of(site))
    assert done.returncode == 0, done.stdout
    assert site.engines["one"].asked


def test_tasks_around_updates_can_be_tried(site: Site, tmp_path: Path) -> None:
    site.add_host("one", IMAGE)
    (play,) = paste("target_hook", tmp_path)
    well = run_play(play, inventory_of(site))
    tasks = tmp_path / "smoke-test.yml"
    tasks.write_text(tasks.read_text().replace("'web'", "'another'"))
    badly = run_play(play, inventory_of(site))
    assert (well.returncode, badly.returncode) == (0, 2), well.stdout
    assert "updated, but the shop's tasks after it failed: See that the right target is tried" in badly.stdout


def test_a_team_is_told_by_a_play_of_its_own(tmp_path: Path) -> None:
    (play,) = paste("notification", tmp_path)
    with webhook("/hook") as receiver:
        done = run_play(play, {"all": {"vars": {"notification_webhook_url": receiver.url}}})
    assert done.returncode == 0, done.stdout
    assert "web now runs the image just pushed" in json.dumps(receiver.messages)


def inventory_of(site: Site) -> dict[str, object]:
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"all": {"hosts": site.hosts, "vars": local}}
