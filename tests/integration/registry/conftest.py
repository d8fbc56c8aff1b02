"""A client of a registry, and what is closed when a test ends."""

from pathlib import Path

from integration.registries import (
    PASSWORD,
    USER,
)
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.login import Login

ACCOUNT = Login(USER, PASSWORD)


def client(url: str, login: Login | None = None, ca: Path | None = None) -> RegistryClient:
    return RegistryClient("production", url, lambda: login, ca)
