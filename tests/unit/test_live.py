"""The live view: how the inventory says to open an engine, and which of its events are worth a look."""

from typing import Any

import pytest

from registry_docker_updater.core.fleet.live import is_worth_a_look
from registry_docker_updater.edges.engine.opening import Opening, opening


def test_an_address_alone_is_enough() -> None:
    assert opening("unix:///var/run/docker.sock") == Opening("unix:///var/run/docker.sock")
    assert not opening("tcp://10.0.0.1:2375").is_tls


def test_certificates_mean_tls() -> None:
    said = {"docker_host": "tcp://host:2376", "ca_path": "/ca", "client_cert": "/cert", "client_key": "/key"}
    found = opening(said)
    assert (found.is_tls, found.certificate, found.ca, found.is_verified) == (
        True,
        ("/cert", "/key"),
        "/ca",
        True,
    )
    assert opening("https://host:2376").is_tls


def test_ssh_leads_to_the_socket_of_the_engine_with_the_arguments_of_the_shop() -> None:
    found = opening({"docker_host": "ssh://deploy@host:2222", "ssh_args": "-i '/a key' -o X=y"})
    assert found.ssh_target == ("-p", "2222", "-l", "deploy", "--", "host")
    assert found.ssh_args == ("-i", "/a key", "-o", "X=y")
    assert found.ssh_socket == "/var/run/docker.sock"
    assert opening("ssh://host/run/user/1000/docker.sock").ssh_socket == "/run/user/1000/docker.sock"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (5, "neither an address"),
        ("", "is no address"),
        ("/var/run/docker.sock", "is no address"),
        ("unix://", "is no address"),
        ("ftp://host", "is no address"),
        ("tcp://host:port", "is no address"),
        ({}, "is no address"),
        ({"docker_host": "tcp://host:2376", "cert": "x"}, "has no cert"),
        ({"docker_host": "tcp://host:2376", "client_cert": "x"}, "both of client_cert and client_key"),
        ({"docker_host": "ssh://host", "ssh_args": "-o 'open"}, "No closing quotation"),
    ],
)
def test_what_is_wrong_is_said(said: Any, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        opening(said)


def container(**labels: str) -> dict[str, Any]:
    return {
        "Type": "container",
        "Action": "create",
        "Actor": {"ID": "x", "Attributes": {"name": "a", **labels}},
    }


def test_containers_with_the_label_and_every_service_are_worth_a_look() -> None:
    label = {"registry-docker-updater": "true"}
    assert is_worth_a_look(container(**label))
    assert is_worth_a_look({"Type": "service", "Action": "update", "Actor": {"Attributes": {"name": "api"}}})
    assert not is_worth_a_look(container())
    assert not is_worth_a_look(container(**label, **{"com.docker.swarm.task.id": "t"}))
    assert not is_worth_a_look({})
