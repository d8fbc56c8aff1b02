"""What can be set: every section and setting, with its default and what it is for."""

import os
import re
import ssl
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.settings.values import (
    Duration,
    Interval,
    Network,
    ReadablePath,
    RegistryFormat,
    RegistryHost,
    RegistryUrl,
    RelativePath,
    Share,
    Size,
)

# What engines ask without TLS when nobody says otherwise.
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(_Section):
    """A secret, named and never written: in a file, or in a variable of the environment."""

    file: RelativePath | None = Field(
        None, description="The file that holds the secret; white space around it is left out."
    )
    env: str | None = Field(None, description="The variable of the environment that holds the secret.")

    @model_validator(mode="before")
    @classmethod
    def _named_not_written(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError(
                "write {file: PATH} or {env: NAME}; a secret itself never stands in the settings"
            )
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.file is None) == (self.env is None):
            raise ValueError("give exactly one of file and env")
        self.read()
        return self

    def read(self) -> str:
        """Return the secret; raises :class:`ValueError` that names where it should have been."""
        try:
            text = self.file.read_text().strip() if self.file else os.environ[self.env or ""].strip()
        except OSError as error:
            raise ValueError(f"cannot read the secret in {self.file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"the secret in {self.file} is not UTF-8") from None
        except KeyError:
            raise ValueError(f"the variable {self.env} is not set") from None
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError(f"the secret in {self.file or self.env} is not UTF-8")
        if not text:
            raise ValueError(
                f"the secret in {self.file or self.env} is empty, and an empty secret lets everybody in"
            )
        return text


class Tls(_Section):
    """The listener's certificate."""

    certificate: ReadablePath = Field(description="The certificate with its chain, PEM.")
    key: ReadablePath = Field(description="Its private key, PEM.")

    @model_validator(mode="after")
    def _can_be_served(self) -> Self:
        try:
            # An encrypted key is an error: OpenSSL would ask for its password, and nobody is there to answer.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, lambda: "")
        except OSError as error:
            raise ValueError(
                f"cannot serve with {self.certificate} and {self.key} ({error}): certificate is to be PEM,"
                " and key its unencrypted private key, PEM, too"
            ) from None
        return self


class Proxy(_Section):
    """A proxy that logs people in before they reach the API."""

    header: str = Field(
        pattern=r"^[A-Za-z0-9-]+$",
        description="In which header it names who is logged in, such as X-Remote-User.",
    )
    networks: tuple[Network, ...] = Field(
        min_length=1, description="From where it asks; the header of anybody else is not believed."
    )


class Access(_Section):
    """Who may see what the operator knows. Events need the registry's secret only."""

    read: tuple[Secret, ...] = Field((), description="Tokens with which the API can be read.")
    operate: tuple[Secret, ...] = Field((), description="Tokens with which it can be written, too.")
    proxy: Proxy | None = Field(None, description="A proxy whose users may read.")
    names: tuple[str, ...] = Field(
        (), description="The host names under which the API is asked; for any other, it answers nothing."
    )

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if not (self.read or self.operate or self.proxy):
            raise ValueError(
                "give read, operate or proxy: with none of them, nobody is told apart from anybody"
            )
        return self


class Listen(_Section):
    """Where the operator listens."""

    address: str = Field("0.0.0.0", description="The address to listen on.")  # noqa: S104 - registries are elsewhere
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    tls: Tls | None = Field(None, description="Serve TLS with this certificate; without it, plain HTTP.")
    access: Access | None = Field(
        None, description="Who may see what is known; without it, whoever reaches the port."
    )
    body_limit: Size = Field(ByteSize(8 * 2**20), description="The largest body of an event that is read.")


class Credentials(_Section):
    """A user of a registry."""

    username: str = Field(min_length=1, description="The user, who may pull what the fleet runs.")
    password: Secret = Field(description="Its password, or a token made for it.")


class Registry(_Section):
    """A registry that sends events, and is asked whether all of them came."""

    format: RegistryFormat = Field(description="How it writes its events.")
    hosts: tuple[RegistryHost, ...] = Field(
        min_length=1,
        description="Every name under which the fleet pulls from it; the first is used in messages.",
    )
    secret: Secret | None = Field(
        None,
        description="What it proves itself with: as Authorization, as signature, or in the address it sends to.",
    )
    next_secret: Secret | None = Field(
        None, description="The secret that is to take its place: while both are set, both are valid."
    )
    insecure: bool = Field(
        False,
        description="Without a secret: take events of whoever can reach the port, and deploy what they say.",
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
    sweep_interval: Interval = Field(
        timedelta(hours=1), description="How often it is asked for each image the fleet runs, or never."
    )

    @model_validator(mode="after")
    def _is_secure_or_says_not(self) -> Self:
        if self.secret is None and not self.insecure:
            raise ValueError(
                "secret is missing, and whoever reaches the port could have images deployed; set secret, or"
                " insecure: true"
            )
        if self.insecure and (self.secret or self.next_secret):
            raise ValueError("insecure is set, and a secret beside it, which nobody would be asked for")
        if self.next_secret and not self.secret:
            raise ValueError("next_secret is set without secret")
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


class Fleet(_Section):
    """The hosts to look at."""

    inventory: ReadablePath = Field(description="The Ansible inventory: a file, a folder, or a program.")
    hosts: str = Field("all", min_length=1, description="Which of its hosts, as an Ansible pattern.")
    scan_interval: Duration = Field(
        timedelta(seconds=60), description="How often each host is asked, as far as scan_share allows."
    )
    environment: tuple[str, ...] = Field(
        (),
        description="Variables of the operator's environment that Ansible gets, too, such as AWS_PROFILE.",
    )
    scan_share: Share = Field(0.2, description="How much of one processor all scans may use.")


class RetrySettings(_Section):
    """When a rollout that failed is run again: twice as long to wait each time."""

    first: Duration = Field(timedelta(seconds=10), description="How long to wait after the first failure.")
    longest: Duration = Field(timedelta(minutes=15), description="The longest wait.")
    attempts: int = Field(10, ge=1, description="How many runs a rollout has at most.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.longest:
            raise ValueError("first is longer than longest")
        return self


class Rollouts(_Section):
    """How rollouts run."""

    workers: int = Field(4, ge=1, le=64, description="How many run side by side.")
    timeout: Duration = Field(
        timedelta(minutes=30), description="How long one run may take before it is ended."
    )
    retry: RetrySettings = RetrySettings()

    @property
    def retry_policy(self) -> RetryPolicy:
        """The same as the core takes it."""
        return RetryPolicy(Backoff(self.retry.first, self.retry.longest), self.retry.attempts)


class Settings(_Section):
    """Everything that can be set."""

    listen: Listen = Listen()
    state_directory: RelativePath = Field(
        Path("/var/lib/registry-docker-updater"), description="Where the database and the kept runs lie."
    )
    registries: dict[str, Registry] = Field(
        min_length=1, description="By name; each receives at /events/<name>."
    )
    fleet: Fleet
    rollouts: Rollouts = Rollouts()

    @model_validator(mode="after")
    def _registries_tell_apart(self) -> Self:
        owners: dict[str, str] = {}
        for name, registry in self.registries.items():
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"registries.{name}: a name is letters, digits, _ . and -, for it is part of a path"
                )
            for host in registry.hosts:
                owner = owners.setdefault(host.lower(), name)
                if owner != name:
                    raise ValueError(f"registries.{name}.hosts: {host} belongs to registries.{owner} already")
        return self
