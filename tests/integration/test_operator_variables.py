"""What the role operator says of variables that do not fit together, before it has touched anything, and which releases it removes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

_ROLES = Path(__file__).parents[2] / "roles"
_WHEEL = "dist/registry_docker_updater-1.2.3-py3-none-any.whl"
_PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.import_role: {name: operator, tasks_from: "%s", rolespec_validate: false}
    - ansible.builtin.debug: {msg: "taken as version {{ __operator_version }}"}
"""

_FIREWALLD = """#!/bin/sh
cd "$(dirname "$0")"
case $2 in
  --query-port=*) test -e "./$1" ;;
  *) touch "./$1"; echo "$*" >> told ;;
esac
"""


def said(tmp_path: Path, tasks: str = "check", **variables: Any) -> str:
    (tmp_path / "play.yml").write_text(_PLAY % tasks)
    given = {"operator_package": _WHEEL, "operator_settings": {"registries": {"production": {}}}, **variables}
    done = subprocess.run(
        ["ansible-playbook", "--inventory", "localhost,", "--extra-vars", json.dumps(given), "play.yml"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_ROLES_PATH": str(_ROLES),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"operator_package": "registry-docker-updater==1.2.3", "operator_package_checksum": "a" * 64},
        {"operator_package": f"https://example.com/{_WHEEL}", "operator_package_checksum": "0" * 64},
        {"operator_package": f"registry_docker_updater-0.1.0/{_WHEEL}"},
    ],
    ids=["a path", "a name for an index", "an address", "a path that names another version, too"],
)
def test_the_version_is_read_from_the_package(tmp_path: Path, variables: dict[str, Any]) -> None:
    assert "taken as version 1.2.3" in said(tmp_path, **variables)


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        (
            {"operator_package": "registry-docker-updater"},
            "operator_package registry-docker-updater is none: give the path",
        ),
        (
            {"operator_package": f"https://user:token@example.com/{_WHEEL}"},
            f"operator_package_checksum is to be the SHA-256 of {Path(_WHEEL).name},",
        ),
        (
            {"operator_package": "registry-docker-updater==1.2.3"},
            "operator_package_checksum is to be the SHA-256",
        ),
        ({"operator_settings": {"state_directory": "state"}}, "state_directory: state is to be a whole path"),
        ({"operator_settings": {"state_directory": "/srv/../etc"}}, "none of the system's own folders"),
        ({"operator_writable_paths": ["/srv/my heads"]}, "operator_writable_paths: /srv/my heads is to be"),
        ({"operator_writable_paths": ["/srv/%h"]}, "operator_writable_paths: /srv/%h is to be"),
        ({"operator_writable_paths": ["/srv/x\n"]}, "operator_writable_paths: /srv/x is to be"),
        ({"operator_user": "up dater"}, "operator_user: up dater is to be of small letters"),
        (
            {"operator_user": "root"},
            "operator_user: root is an account of somebody else, whose home is /root",
        ),
        ({"operator_keep_releases": 0}, "operator_keep_releases: 0 is to be 1 or more"),
        ({"operator_secrets": {"../shadow": "x"}}, "each name is plain, without a folder"),
        ({"operator_files": {"config.yml": "x"}}, "is none of config.yml"),
        ({"operator_files": {"a": "x"}, "operator_secrets": {"a": "y"}}, "stands once"),
        (
            {
                "operator_harbors": {"other": {"username": "u", "password": "p"}},
                "operator_url": "http://u:8080",
            },
            "each is the name of a registry in operator_settings",
        ),
        (
            {"operator_harbors": {"production": {"username": "u", "password": "p"}}},
            "operator_url says how it reaches",
        ),
    ],
    ids=[
        "no version",
        "a password",
        "no checksum",
        "a relative state directory",
        "a folder of the system's",
        "a space",
        "a specifier",
        "a newline",
        "no name of a user",
        "another's account",
        "no release",
        "a folder",
        "a name that is taken",
        "twice",
        "another registry",
        "no address",
    ],
)
def test_what_does_not_fit_is_named_with_what_to_do(
    tmp_path: Path, variables: dict[str, Any], error: str
) -> None:
    assert error in said(tmp_path, **variables)


def test_a_state_directory_is_moved_by_a_person(tmp_path: Path) -> None:
    (tmp_path / "in-force.yml").write_text("{registries: {}, state_directory: /srv/before}\n")
    settings = {"registries": {}, "state_directory": "/srv/after"}
    error = said(tmp_path, __operator_etc=str(tmp_path), operator_settings=settings)
    assert "the operator has its database in /srv/before: to move it, stop" in error


def test_firewalld_is_told_what_an_interrupted_play_did_not_tell_it(tmp_path: Path) -> None:
    """It lets through what it is told for good at its next start, and what it is told else, now."""
    program = tmp_path / "firewall-cmd"
    program.write_text(_FIREWALLD)
    program.chmod(0o755)
    (tmp_path / "--permanent").touch()
    for _ in range(2):
        said(tmp_path, "port", operator_firewall="firewalld")
    assert (tmp_path / "told").read_text() == "--quiet --add-port=8080/tcp\n"


def test_the_newest_releases_stay_and_the_one_in_force_does_however_old_it_is(tmp_path: Path) -> None:
    for age, version in enumerate(("2.0.0", "1.9.0", "1.10.0", "1.2.3")):
        release = tmp_path / "releases" / version
        release.mkdir(parents=True)
        os.utime(release, (10**9 - age, 10**9 - age))
    packages = tmp_path / "packages"
    packages.mkdir()
    for version in ("2.0.0", "1.9.0", "1.2.3", "1.0.0"):
        (packages / f"registry_docker_updater-{version}-py3-none-any.whl").touch()
    said(tmp_path, "prune", __operator_home=str(tmp_path), __operator_in_force="")
    assert {path.name for path in (tmp_path / "releases").iterdir()} == {"2.0.0", "1.2.3"}
    assert {path.name.split("-")[1] for path in packages.iterdir()} == {"2.0.0", "1.2.3"}
