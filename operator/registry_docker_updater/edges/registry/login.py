"""Who asks a registry: by the settings, or by Docker's configuration."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
    BadCredentials,
    find_credentials,
)

from registry_docker_updater.errors import UpdaterError


@dataclass(frozen=True)
class Login:
    """Who logs in: a user with a password, or whom an identity token stands for; or a token for the registry itself."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of ``Authorization``."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def __str__(self) -> str:
        if self.username:
            return f"the user {self.username!r}"
        return "the registry token" if self.registry_token else "the identity token"


def login_of(hosts: Sequence[str], given: Mapping[str, str] | None) -> Login | None:
    """Return the login for the registry known under ``hosts``: the ``given`` one, or that of Docker's configuration.

    Raises :class:`UpdaterError` when there is one and it cannot be used.
    """
    try:
        found = next(filter(None, (find_credentials(host, given) for host in hosts)), None)
    except BadCredentials as error:
        raise UpdaterError(str(error)) from None
    if found is None:
        return None
    return Login(
        *(found.get(name, "") for name in ("username", "password", "identitytoken", "registrytoken"))
    )
