"""A registry: what it sends, how it proves itself, and how it is asked."""

import re
from datetime import timedelta
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field, JsonValue, ValidationInfo, WithJsonSchema, field_validator

from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.edges.identity.oidc import Expected
from registry_docker_updater.edges.identity.sns import TOPIC
from registry_docker_updater.settings.secret import Secret, Section
from registry_docker_updater.settings.values import (
    Interval,
    KeysUrl,
    Network,
    ReadablePath,
    RegistryFormat,
    RegistryHost,
    RegistryUrl,
    Switch,
)

T = TypeVar("T")
SnsTopic = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^({TOPIC.pattern})$"})]

# What engines ask without TLS when nobody says otherwise.
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.IGNORECASE)


class Credentials(Section):
    """A user of a registry."""

    username: str = Field(min_length=1, description="The user, who may pull what the fleet runs.")
    password: Secret = Field(description="Its password, or a token made for it.")


class Oidc(Section):
    """The tokens of OpenID Connect with which events come, by default of Google."""

    issuer: str = Field("https://accounts.google.com", description="Who issues them.")
    keys: KeysUrl = Field(
        "https://www.googleapis.com/oauth2/v3/certs",
        description="Where the issuer's keys are published, as JWKS.",
    )
    audience: str = Field(
        min_length=1, description="For whom they are: what the sender is told to ask them for."
    )
    claims: dict[str, str] = Field(
        min_length=1,
        description="What they say of their bearer; others have tokens of the same issuer, for the same audience.",
    )

    @property
    def expected(self) -> Expected:
        """The same as the door takes it."""
        return Expected(self.issuer, self.keys, self.audience, self.claims)


# One of these says how events are proven, or that they are not.
_SOME: JsonValue = {"not": {"type": "null"}}
_PROVEN: list[JsonValue] = [
    {"required": ["secret"], "properties": {"secret": _SOME}},
    {"required": ["oidc"], "properties": {"oidc": _SOME}},
    {"required": ["sns_topic"], "properties": {"sns_topic": _SOME}},
    {"required": ["insecure"], "properties": {"insecure": {"const": True}}},
]


class Registry(Section):
    """A registry that sends events, and is asked whether all of them came."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _PROVEN})

    format: RegistryFormat = Field(description="How it writes its events.")
    hosts: tuple[RegistryHost, ...] = Field(
        min_length=1,
        description="Every name under which the fleet pulls from it; the first is used in messages.",
    )
    insecure: Switch = Field(
        False,
        description="Without a secret: take events of whoever can reach the port, and deploy what they say.",
    )
    oidc: Oidc | None = Field(
        None,
        description="The tokens of OpenID Connect with which it proves itself; a secret can be set beside.",
    )
    sns_topic: SnsTopic | None = Field(
        None,
        description="The ARN of the topic of Amazon SNS by which it sends, whose signature proves it.",
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
    verify: Switch | None = Field(
        None,
        description="Deploy what the registry says a tag names, and not what an event says; by default, where it can be asked.",
    )
    sweep_interval: Interval = Field(
        timedelta(hours=1), description="How often it is asked for each image the fleet runs, or never."
    )

    @field_validator("sns_topic")
    @classmethod
    def _is_topic(cls, value: str | None) -> str | None:
        if value is not None and not TOPIC.fullmatch(value):
            raise ValueError(
                f"{value!r} is not the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:pushes"
            )
        return value

    @field_validator("secret")
    @classmethod
    def _is_there(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if value is None and not any(info.data.get(other) for other in ("insecure", "oidc", "sns_topic")):
            raise ValueError(
                "is missing, and whoever reaches the port could have images deployed; set it, or insecure: true"
            )
        return value

    @field_validator("oidc", "sns_topic", "secret", "next_secret")
    @classmethod
    def _is_not_beside_insecure(cls, value: T, info: ValidationInfo) -> T:
        if value is not None and info.data.get("insecure"):
            raise ValueError("stands beside insecure: true, and nobody would be asked for it")
        return value

    @field_validator("sns_topic")
    @classmethod
    def _comes_by_sns(cls, value: str | None, info: ValidationInfo) -> str | None:
        name = info.data.get("format")
        if value is not None and name not in (None, "ecr"):
            raise ValueError(f"is set, but events of format {name} do not come by SNS")
        return value

    @field_validator("next_secret")
    @classmethod
    def _comes_after_one(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if value is not None and info.data.get("secret", value) is None:
            raise ValueError("is set without secret")
        return value

    @field_validator("sweep_interval")
    @classmethod
    def _asks_where_it_must(cls, value: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if value is not None:
            return value
        if info.data.get("verify"):
            raise ValueError("is never, but verify is set: the registry is to be asked")
        name = info.data.get("format")
        if name and not FORMATS[name].is_resolved:
            raise ValueError(
                f"is never, but events of format {name} name no digest: the registry is to be asked"
            )
        return value

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that are valid; raises :class:`ValueError`."""
        return tuple(one.read() for one in (self.secret, self.next_secret) if one)

    @property
    def believes_events(self) -> bool:
        """Whether what its events say is believed where it cannot be asked: not what can be sent again by anybody."""
        return self.verify is not True and not FORMATS[self.format].is_signed

    @property
    def address(self) -> str:
        """Where it is asked: without a ``url``, as an engine would pull from the first of its hosts."""
        host = self.hosts[0]
        return self.url or f"{'http' if _LOOPBACK.fullmatch(host) else 'https'}://{host}"
