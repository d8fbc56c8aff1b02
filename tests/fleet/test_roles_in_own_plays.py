# SPDX-License-Identifier: Apache-2.0
"""The examples in the READMEs of the roles that update, as pasted, on a real engine that only the inventory's variables open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.shop import OPT_IN
from integration.role_examples import paste, run_play
from lab import Host, Lab, LabSpec, RegistrySpec, SwarmSpec, images

pytestmark = pytest.mark.lab

PASSWORD = "the-password-of-the-puller"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A swarm of one, whose registry wants an account that nobody keeps there."""
    registry = RegistrySpec("registry", username="puller", password=PASSWORD)
    with Lab.running(LabSpec("own-plays", swarms=(SwarmSpec("edge"),), registries=(registry,))) as lab:
        yield lab


@pytest.fixture(scope="module")
def image(lab: Lab) -> str:
    """What a container and a service run in its first version; the account is forgotten when they do."""
    registry, host = lab.registry(), lab.host("edge-m1")
    image = f"{registry.address}/test/app:1"
    first = registry.push("test/app", "1", images.good("1"))
    host.docker("login", "-u", "puller", "--password-stdin", registry.address, input=PASSWORD)
    host.docker("run", "--detach", "--name", "web", *OPT_IN, image)
    host.docker(
        "service", "create", "--detach", "--with-registry-auth", "--update-monitor=1s", "--name=api", *OPT_IN,
        f"{image}@{first}",
    )  # fmt: skip
    host.docker("logout", registry.address)
    return image


def inventory(lab: Lab, folder: Path) -> dict[str, Any]:
    """The host from here, by the socket of its engine: on this machine's own nothing of it is to be seen."""
    host = lab.host("edge-m1")
    return {
        "all": {
            "hosts": {host.name: {}},
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "docker_engine": {"docker_host": f"unix://{host.machine.inside('/run/docker.sock')}"},
                "registry_credentials": {
                    lab.registry().address: {"username": "puller", "password": PASSWORD},
                },
                "standalone_container_settle": 1,
                "standalone_container_state_directory": str(folder / "state"),
            },
        }
    }


def running(host: Host, *command: str) -> str:
    return host.docker(*command).strip()


def test_a_container_is_updated_by_the_example_of_its_role(lab: Lab, image: str, tmp_path: Path) -> None:
    digest = lab.registry().push("test/app", "1", images.good("2"))
    containers, repair = paste("standalone_container", tmp_path)

    done = run_play(containers, inventory(lab, tmp_path), "-e", f"image={image}", "-e", f"digest={digest}")
    repaired = run_play(repair, inventory(lab, tmp_path))

    host = lab.host("edge-m1")
    assert (done.returncode, repaired.returncode) == (0, 0), done.stdout + repaired.stdout
    its_image = running(host, "inspect", "--format", "{{.Image}}", "web")
    assert digest in running(host, "image", "inspect", "--format", "{{json .RepoDigests}}", its_image)
    assert PASSWORD not in done.stdout + done.stderr


def test_a_service_is_updated_by_the_example_of_its_role(lab: Lab, image: str, tmp_path: Path) -> None:
    digest = lab.registry().push("test/app", "1", images.good("3"))
    (services,) = paste("swarm_service", tmp_path)

    done = run_play(services, inventory(lab, tmp_path), "-e", f"image={image}", "-e", f"digest={digest}")

    assert done.returncode == 0, done.stdout
    template = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    assert (
        running(lab.host("edge-m1"), "service", "inspect", "--format", template, "api") == f"{image}@{digest}"
    )
    assert PASSWORD not in done.stdout + done.stderr
