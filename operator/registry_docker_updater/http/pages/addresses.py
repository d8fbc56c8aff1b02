"""Addresses of pages that are of something with a name."""

from registry_docker_updater.views.addresses import in_path


def address_of_target(key: str) -> str | None:
    """Return the address of a target's page; None where there is none that a browser could ask for."""
    return _address("/targets/", key)


def address_of_host(name: str) -> str | None:
    """Return the address of a host's page; None where there is none that a browser could ask for."""
    return _address("/hosts/", name)


def _address(folder: str, name: str) -> str | None:
    path = in_path(name)
    return folder + path if path else None
