"""The files with which the operator is run as a container agree with one another, with the wheel, and with their page."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import OPT_IN

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
PAGE = (ROOT / "docs" / "container.md").read_text()
STATE = "/var/lib/registry-docker-updater"


def _service(file: str) -> dict[str, Any]:
    (service,) = yaml.safe_load((ROOT / "deploy" / file).read_text())["services"].values()
    found: dict[str, Any] = service
    return found


@pytest.mark.parametrize("file", ["compose.yml", "stack.yml"])
def test_it_is_confined_wherever_it_runs(file: str) -> None:
    """As the image's own user, on a root that cannot be written, without a capability, and with time to end its runs."""
    service = _service(file)
    (user,) = re.findall(r"^USER (.+)$", CONTAINERFILE, re.MULTILINE)
    assert service["user"] == user
    assert f"user {user.partition(':')[0]}" in PAGE
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["stop_grace_period"] == "60s"


def test_it_is_updated_as_what_it_updates() -> None:
    """A container by its own label, a service by that of the service."""
    assert _service("compose.yml")["labels"][OPT_IN] == "true"
    assert _service("stack.yml")["deploy"]["labels"][OPT_IN] == "true"


def test_in_a_swarm_there_are_never_two_on_one_state() -> None:
    deploy = _service("stack.yml")["deploy"]
    assert deploy["replicas"] == 1
    assert deploy["update_config"]["order"] == deploy["rollback_config"]["order"] == "stop-first"
    assert deploy["update_config"]["failure_action"] == "rollback"


def test_what_it_keeps_is_in_a_volume_of_the_image() -> None:
    assert f"VOLUME {STATE}" in CONTAINERFILE
    assert f"state:{STATE}" in _service("compose.yml")["volumes"]
    assert {"type": "volume", "source": "state", "target": STATE} in _service("stack.yml")["volumes"]


def test_every_file_that_the_stack_wants_is_on_the_page() -> None:
    stack = yaml.safe_load((ROOT / "deploy" / "stack.yml").read_text())
    files = [
        one["file"].removeprefix("./") for one in (*stack["configs"].values(), *stack["secrets"].values())
    ]
    assert files
    for file in files:
        assert f"| `{file}` |" in PAGE


def test_the_build_sees_all_that_a_wheel_is_made_of_and_nothing_else_of_the_checkout() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {Path(name).parts[0] for name in (*wheel["packages"], *wheel["force-include"])}
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE))
    given = {name for line in copied for name in line.split()}
    assert needed <= given
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    seen = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert ignored[0] == "*"
    assert {Path(name).parts[0] for name in given} == {Path(name).parts[0] for name in seen}


def test_nothing_is_installed_whose_hash_is_not_written_down() -> None:
    """Nor built, which fetches what builds it without any."""
    (line,) = re.findall(
        r"^RUN .*pip install (.+) --requirement requirements.txt$", CONTAINERFILE, re.MULTILINE
    )
    assert "--require-hashes" in line
    assert "--only-binary :all:" in line


def test_it_is_made_of_a_base_of_no_registry_in_particular() -> None:
    (base,) = re.findall(r"^ARG BASE=(.+)$", CONTAINERFILE, re.MULTILINE)
    assert "/" not in base
    assert f"`{base}` where it is not given" in PAGE


def test_each_revision_of_a_stacks_files_has_names_of_its_own() -> None:
    """Swarm changes neither configs nor secrets."""
    stack = yaml.safe_load((ROOT / "deploy" / "stack.yml").read_text())
    names = [one["name"] for one in (*stack["configs"].values(), *stack["secrets"].values())]
    assert len(set(names)) == len(names)
    assert all(name.endswith("-${REVISION:-1}") for name in names)
    assert "REVISION=2 docker stack deploy" in PAGE
