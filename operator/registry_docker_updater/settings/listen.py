"""Where the operator listens, with which certificate, and who may see what it knows."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ByteSize, ConfigDict, Field, JsonValue, ValidationInfo, field_validator

from registry_docker_updater.settings.secret import Section, Token
from registry_docker_updater.settings.values import Network, Port, ReadablePath, Size


class Tls(Section):
    """The listener's certificate."""

    certificate: ReadablePath = Field(description="The certificate with its chain, PEM.")
    key: ReadablePath = Field(description="Its private key, PEM.")
    clients: ReadablePath | None = Field(
        None, description="Who signs the certificates of clients, PEM; without one of these nobody is heard."
    )

    @field_validator("key")
    @classmethod
    def _can_be_served(cls, value: Path, info: ValidationInfo) -> Path:
        certificate = info.data.get("certificate")
        try:
            if certificate:
                # An encrypted key is an error: OpenSSL would ask for its password, and nobody is there to answer.
                _context().load_cert_chain(certificate, value, lambda: "")
        except OSError as error:
            raise ValueError(
                f"cannot serve with {certificate} and {value} ({error}): certificate is to be PEM,"
                " and key its unencrypted private key, PEM, too"
            ) from None
        return value

    @field_validator("clients")
    @classmethod
    def _tells_clients(cls, value: Path | None) -> Path | None:
        try:
            if value:
                _context().load_verify_locations(value)
        except OSError as error:
            raise ValueError(f"cannot check clients by {value} ({error}): it is to be PEM") from None
        return value


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class Proxy(Section):
    """A proxy that logs people in before they reach the API."""

    header: str = Field(
        pattern=r"^[A-Za-z0-9-]+$",
        description="In which header it names who is logged in, such as X-Remote-User.",
    )
    networks: tuple[Network, ...] = Field(
        min_length=1, description="From where it asks; the header of anybody else is not believed."
    )
    operators: tuple[str, ...] = Field((), description="Whom of those it names may operate; all others read.")


_SOME: JsonValue = {"minItems": 1}
_SOMEBODY: list[JsonValue] = [
    {"required": ["read"], "properties": {"read": _SOME}},
    {"required": ["operate"], "properties": {"operate": _SOME}},
    {"required": ["proxy"], "properties": {"proxy": {"type": "object"}}},
]


class Access(Section):
    """Who may see what the operator knows. Events need the registry's secret only."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _SOMEBODY})

    read: tuple[Token, ...] = Field((), description="Tokens with which the API can be read.")
    operate: tuple[Token, ...] = Field((), description="Tokens with which it can be written, too.")
    proxy: Proxy | None = Field(None, description="A proxy whose users may read, and some of them operate.")
    names: tuple[str, ...] = Field(
        (), description="The host names under which the API is asked; for any other, it answers nothing."
    )

    @classmethod
    def lacks(cls, given: Mapping[str, Any]) -> str | None:
        """Return what is wrong where nobody is let in."""
        is_some = any(given.get(name) for name in ("read", "operate", "proxy"))
        return (
            None
            if is_some
            else "give read, operate or proxy: with none of them, nobody is told apart from anybody"
        )


class Api(Section):
    """Where the API is asked, apart from where registries send."""

    address: str = Field("127.0.0.1", description="The address to listen on.")
    port: Port = Field(8081, description="The port to listen on; 0 takes a free one.")


class Listen(Section):
    """Where the operator listens."""

    address: str = Field("0.0.0.0", description="The address to listen on.")  # noqa: S104 - registries are elsewhere
    port: Port = Field(8080, description="The port to listen on; 0 takes a free one.")
    tls: Tls | None = Field(None, description="Serve TLS with this certificate; without it, plain HTTP.")
    api: Api | None = Field(None, description="Where the API is asked; without it, where registries send to.")
    access: Access | None = Field(
        None, description="Who may see what is known; without it, whoever reaches the port."
    )
    body_limit: Size = Field(ByteSize(8 * 2**20), description="The largest body of an event that is read.")

    @field_validator("api")
    @classmethod
    def _is_elsewhere(cls, value: Api | None, info: ValidationInfo) -> Api | None:
        address, port = info.data.get("address"), info.data.get("port")
        if value and port and address is not None and value.port == port and _meet(address, value.address):
            raise ValueError(f"is at port {port}, where registries send to: give one of them another port")
        return value


def _meet(one: str, other: str) -> bool:
    """Tell whether nobody can listen at both with the same port: at all addresses of IPv4 one does not listen at those of IPv6."""
    if one == other or "::" in (one, other):
        return True
    return "0.0.0.0" in (one, other) and not (one + other).strip("0123456789.")  # noqa: S104 - they are compared
