"""A registry: what it sends, how it proves itself, and how it is asked."""

import re
from datetime import timedelta
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.settings.secret import Secret, Section
from registry_docker_updater.settings.values import (
    Interval,
    Network,
    ReadablePath,
    RegistryFormat,
    RegistryHost,
    RegistryUrl,
)

# What engines ask without TLS when nobody says otherwise.
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.IGNORECASE)


class Credentials(Section):
    """A user of a registry."""

    username: str = Field(min_length=1, description="The user, who may pull what the fleet runs.")
    password: Secret = Field(description="Its password, or a token made for it.")


class Registry(Section):
    """A registry that sends events, and is asked whether all of them came."""

    format: RegistryFormat = Field(description="How it writes its events.")
    hosts: tuple[RegistryHost, ...] = Field(
        min_length=1,
        description="Every name under which the fleet pulls from it; the first is used in messages.",
    )
    insecure: bool = Field(
        False,
        description="Without a secret: take events of whoever can reach the port, and deploy what they say.",
    )
    secret: Secret | None = Field(
        None,
        validate_default=True,
        description="What it proves itself with: as Authorization, as signature, or in the address it sends to.",
    )
    next_secret: Secret | None = Field(
        None, description="The secret that is to take its place: while both are set, both are valid."
    )
    networks: tuple[Network, ...] = Field(
        (), description="From where it sends, as 192.0.2.0/24 or an address; from everywhere where empty."
    )
    url: RegistryUrl | None = Field(
        None, description="Where it is asked; by default https:// and the first of its hosts."
    )
    ca: ReadablePath | None = Field(
        None, description="The certificate that signed its own, PEM, where the system does not trust it."
    )
    credentials: Credentials | None = Field(
        None, description="Who asks it; by default whom the operator's Docker configuration names."
    )
    verify: bool = Field(
        False, description="Deploy what the registry says a tag names, and not what an event says."
    )
    sweep_interval: Interval = Field(
        timedelta(hours=1), description="How often it is asked for each image the fleet runs, or never."
    )

    @field_validator("secret")
    @classmethod
    def _is_there(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if value is None and not info.data.get("insecure"):
            raise ValueError(
                "is missing, and whoever reaches the port could have images deployed; set it, or insecure: true"
            )
        return value

    @model_validator(mode="after")
    def _is_secure_or_says_not(self) -> Self:
        if self.insecure and (self.secret or self.next_secret):
            raise ValueError("insecure is set, and a secret beside it, which nobody would be asked for")
        if self.next_secret and not self.secret:
            raise ValueError("next_secret is set without secret")
        if self.verify and self.sweep_interval is None:
            raise ValueError("verify is set, and sweep_interval is never: the registry is to be asked")
        if not FORMATS[self.format].is_resolved and self.sweep_interval is None:
            raise ValueError(
                f"sweep_interval is never, but events of format {self.format} name no digest: the registry is to be"
                " asked"
            )
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that are valid; raises :class:`ValueError`."""
        return tuple(one.read() for one in (self.secret, self.next_secret) if one)

    @property
    def address(self) -> str:
        """Where it is asked: without a ``url``, as an engine would pull from the first of its hosts."""
        host = self.hosts[0]
        return self.url or f"{'http' if _LOOPBACK.fullmatch(host) else 'https'}://{host}"
