"""Types of single settings: what is taken for one, and what is said of what is none."""

import ipaddress
import os
import re
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, ValidationInfo, WithJsonSchema

from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.local_time import is_zone
from registry_docker_updater.core.policy.durations import read_duration
from registry_docker_updater.core.references import InvalidReference, check_host

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
# As the label `registry-docker-updater.notify` takes it.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DIGITS = re.compile(r"\s*\d{1,18}\s*", re.ASCII)
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def duration(value: Any) -> timedelta:
    """Return how long ``value`` says, such as 15m; raises :class:`ValueError`."""
    if isinstance(value, str):
        return read_duration(value)
    if isinstance(value, timedelta):
        return value
    raise ValueError(f"{value!r} is not a duration: write a number and a unit, such as 10s, 15m or 1h")


def _duration_or_never(value: Any) -> Any:
    return None if value == "never" else _positive(duration(value))


def _for_so_long(value: Any) -> Any:
    if value == "forever":
        return None
    days = re.fullmatch(r"(\d{1,5})\s*d", value.strip()) if isinstance(value, str) else None
    # Longer than any other duration may be.
    return timedelta(days=int(days[1])) if days and int(days[1]) else _positive(duration(value))


def _url(value: str) -> str:
    parts = urlsplit(value)
    if "@" in parts.netloc:
        raise ValueError("a user or password stands in it; set credentials beside it")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            f"{value!r} is not the base of a registry's API, such as https://registry.example.com"
        )
    return value.rstrip("/")


def _keys_url(value: str) -> str:
    parts = urlsplit(value)
    # Whoever can change what is fetched on its way could sign for anybody.
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1")):
        raise ValueError(f"{value!r} is not an address of keys, such as https://issuer.example.com/certs")
    return value


def _share(value: Any) -> Any:
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{value!r} is not a share such as 20%")
    share = float(match[1]) / 100
    if not 0 < share <= 1:
        raise ValueError(f"{value!r} is not more than 0% and at most 100%")
    return share


def _whole(value: Any) -> Any:
    # As templates of Ansible write numbers: as text.
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


def _switch(value: Any) -> Any:
    word = value.strip().lower() if isinstance(value, str) else ""
    return word in _YES if word in (*_YES, *_NO) else value


def _no_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a size such as 8 MiB")
    return value


def _time(value: Any) -> Any:
    # YAML 1.1 reads 22:00 without quotes as a number to the base of 60.
    text = f"{value // 60}:{value % 60:02}" if type(value) is int and 0 <= value < 1440 else value
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{value!r} is not a time of day such as 22:00")
    return time(int(match[1]), int(match[2]))


def _zone(value: str) -> str:
    if not is_zone(value):
        raise ValueError(f"{value!r} is not a time zone such as Europe/Berlin")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be more than nothing")
    return value


def _host(value: str) -> str:
    try:
        return check_host(value)
    except InvalidReference as error:
        raise ValueError(str(error)) from None


def _known_format(value: str) -> str:
    if value not in FORMATS:
        raise ValueError(f"{value!r} is not a format; known are {', '.join(sorted(FORMATS))}")
    return value


def _network(value: Any) -> Any:
    try:
        network = ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(
            f"{value!r} is not a network such as 192.0.2.0/24, nor an address; the bits behind the slash are to be 0"
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        # Peers have their IPv4 addresses here, also where they come by a socket of both.
        return ipaddress.IPv4Network((int(network[0]) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _syslog(value: Any) -> Any:
    text = value if isinstance(value, str) else ""
    host, _, port = text.rpartition(":")
    if text.startswith("/"):
        return text
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(
            f"{value!r} is neither a socket such as /dev/log nor host:port, such as logs.example.com:514"
        )
    return host, int(port)


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("a name is letters, digits, _ . and -, for it is part of paths and labels")
    return value


def not_before_first(value: timedelta, info: ValidationInfo) -> timedelta:
    """Return the longest wait, which is not to be shorter than the first; raises :class:`ValueError`."""
    if info.data.get("first", value) > value:
        raise ValueError("first is longer than longest")
    return value


def _beside_the_file(value: Path, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", ".")) / value


def _existing(value: Path) -> Path:
    if not os.access(value, os.R_OK):
        raise ValueError(f"{value} {'cannot be read' if value.exists() else 'does not exist'}")
    return value


def _written(*patterns: str, **also: Any) -> WithJsonSchema:
    """Return how a text is written that matches any of the ``patterns``, each whole; and what else, such as a number."""
    text = {"type": "string", "pattern": f"^({'|'.join(patterns)})$"}
    return WithJsonSchema({"anyOf": [text, also]} if also else text)


# As editors are told: in the regular expressions of JSON Schema, those of ECMAScript.
_A_DURATION = r"\s*(?!0+(\.0+)?\s*[a-z])\d{1,15}(\.\d{1,15})?\s*(ms|s|m|h|d)\s*"
_A_SIZE = r"\s*(?!0*(\.0+)?\s*([A-Za-z]|$))\d*\.?\d+\s*([kKmMgGtTpPeE]([iI]?[bB])?|[bB])?"
_A_SHARE = r"\s*(?!0+(\.0+)?\s*%)(0*100(\.0+)?|0*\d{1,2}(\.\d+)?)\s*%\s*"
_A_HOST = r"([a-zA-Z0-9]([a-zA-Z0-9.\-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?"
_A_NETWORK = r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9.]+)?|[0-9a-fA-F]*:[0-9a-fA-F:.]*(/[0-9]{1,3})?"
_A_TIME = r"([01]?[0-9]|2[0-3]):[0-5][0-9]"
_A_PORT = r"\s*0*(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])\s*"
_UP_TO_64 = r"\s*0*([1-9]|[1-5]\d|6[0-4])\s*"
_ONE_OR_MORE = r"\s*0*[1-9]\d{0,8}\s*"
# In any case of letters, which these regular expressions have no other way to say.
SWITCHES = tuple(
    rf"\s*{''.join(f'[{letter.upper()}{letter}]' for letter in word)}\s*" for word in (*_YES, *_NO)
)
_BYTES = {"type": "integer", "exclusiveMinimum": 0}

Name = Annotated[str, AfterValidator(_name), _written(_NAME.pattern)]
Port = Annotated[
    int,
    BeforeValidator(_whole),
    Field(strict=True, ge=0, le=65535),
    _written(_A_PORT, type="integer", minimum=0, maximum=65535),
]
Workers = Annotated[
    int,
    BeforeValidator(_whole),
    Field(strict=True, ge=1, le=64),
    _written(_UP_TO_64, type="integer", minimum=1, maximum=64),
]
Attempts = Annotated[
    int, BeforeValidator(_whole), Field(strict=True, ge=1), _written(_ONE_OR_MORE, type="integer", minimum=1)
]
Switch = Annotated[bool, BeforeValidator(_switch), Field(strict=True), _written(*SWITCHES, type="boolean")]
RelativePath = Annotated[Path, AfterValidator(_beside_the_file)]
ReadablePath = Annotated[RelativePath, AfterValidator(_existing)]
Duration = Annotated[timedelta, BeforeValidator(duration), AfterValidator(_positive), _written(_A_DURATION)]
Share = Annotated[float, BeforeValidator(_share), _written(_A_SHARE)]
Size = Annotated[ByteSize, BeforeValidator(_no_switch), Field(gt=0), _written(_A_SIZE, **_BYTES)]
RegistryFormat = Annotated[str, AfterValidator(_known_format), WithJsonSchema({"enum": sorted(FORMATS)})]
RegistryHost = Annotated[str, AfterValidator(_host), _written(_A_HOST)]
KeysUrl = Annotated[
    str, AfterValidator(_keys_url), _written(r"https://[^/].*", r"http://(localhost|127\.0\.0\.1)([:/].*)?")
]
RegistryUrl = Annotated[str, AfterValidator(_url), _written(r"https?://[^/@?#\s]+(/[^?#]*)?")]
Interval = Annotated[timedelta | None, BeforeValidator(_duration_or_never), _written("never", _A_DURATION)]
SyslogAddress = Annotated[
    str | tuple[str, int], BeforeValidator(_syslog), _written("/.*", r".+:0*[1-9]\d{0,4}")
]
KeptFor = Annotated[timedelta | None, BeforeValidator(_for_so_long), _written("forever", _A_DURATION)]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network), _written(_A_NETWORK)
]
TimeOfDay = Annotated[
    time, BeforeValidator(_time), _written(_A_TIME, type="integer", minimum=0, exclusiveMaximum=1440)
]
Zone = Annotated[str, AfterValidator(_zone), WithJsonSchema({"type": "string", "minLength": 1})]
