"""Types of single settings: what is taken for one, and what is said of what is none."""

import ipaddress
import os
import re
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, ValidationInfo, WithJsonSchema

from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.local_time import is_zone
from registry_docker_updater.core.policy.durations import read_duration
from registry_docker_updater.core.references import InvalidReference, check_host
from registry_docker_updater.settings import written as patterns
from registry_docker_updater.settings.written import NO, SWITCHES, YES, matches, one_to, written

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
# As the label `registry-docker-updater.notify` takes it.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DIGITS = re.compile(r"\s*0*\d{1,18}\s*", re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)
_MOST_WORKERS, _MOST_ATTEMPTS = 64, 999_999_999


@dataclass(frozen=True)
class Nothing:
    """What stands in the file for a setting of which there is none; without a ``word``, it is left out there."""

    word: str | None = None


class Address(NamedTuple):
    """A host, and its port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return both, as they are written."""
        return f"{self.host}:{self.port}"


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
    # Longer than any other duration may be.
    is_days = matches(patterns.DAYS, value)
    return timedelta(days=int(value.strip()[:-1])) if is_days else _positive(duration(value))


def _url(value: str) -> str:
    if "@" in urlsplit(value).netloc:
        raise ValueError("a user or password stands in it; set credentials beside it")
    if not matches(patterns.URL, value):
        raise ValueError(
            f"{value!r} is not the base of a registry's API, such as https://registry.example.com"
        )
    return value.rstrip("/")


def _keys_url(value: str) -> str:
    if not matches(patterns.KEYS_URL, value):
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
    return word in YES if word in (*YES, *NO) else value


def _size(value: Any) -> Any:
    if type(value) is not int and not matches(patterns.SIZE, value):
        raise ValueError(f"{value!r} is not a size such as 8 MiB")
    return value


def _time(value: Any) -> Any:
    # YAML 1.1 reads 22:00 without quotes as a number to the base of 60.
    text = f"{value // 60}:{value % 60:02}" if type(value) is int and 0 <= value < 1440 else value
    if not matches(patterns.TIME, text):
        raise ValueError(f"{value!r} is not a time of day such as 22:00")
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


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
        network = ipaddress.ip_network(value if matches(patterns.NETWORK, value) else "")
    except ValueError:
        raise ValueError(
            f"{value!r} is not a network such as 192.0.2.0/24, nor an address; the bits behind the slash are to be 0"
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        # Peers have their IPv4 addresses here, also where they come by a socket of both.
        return ipaddress.IPv4Network((int(network[0]) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _syslog(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("/"):
        return value
    if not matches(patterns.ADDRESS, value):
        raise ValueError(
            f"{value!r} is neither a socket such as /dev/log nor host:port, such as logs.example.com:514"
        )
    host, _, port = value.rpartition(":")
    return Address(host, int(port))


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


_BYTES = {"type": "integer", "exclusiveMinimum": 0}

Name = Annotated[str, AfterValidator(_name), written(_NAME.pattern)]
Port = Annotated[
    int,
    BeforeValidator(_whole),
    Field(strict=True, ge=0, le=65535),
    written(rf"\s*{patterns.PORT}\s*", type="integer", minimum=0, maximum=65535),
]
Workers = Annotated[
    int,
    BeforeValidator(_whole),
    Field(strict=True, ge=1, le=_MOST_WORKERS),
    written(one_to(_MOST_WORKERS), type="integer", minimum=1, maximum=_MOST_WORKERS),
]
Attempts = Annotated[
    int,
    BeforeValidator(_whole),
    Field(strict=True, ge=1, le=_MOST_ATTEMPTS),
    written(one_to(_MOST_ATTEMPTS), type="integer", minimum=1, maximum=_MOST_ATTEMPTS),
]
Switch = Annotated[bool, BeforeValidator(_switch), Field(strict=True), written(*SWITCHES, type="boolean")]
RelativePath = Annotated[Path, AfterValidator(_beside_the_file)]
ReadablePath = Annotated[RelativePath, AfterValidator(_existing)]
Duration = Annotated[
    timedelta, BeforeValidator(duration), AfterValidator(_positive), written(patterns.DURATION)
]
Share = Annotated[float, BeforeValidator(_share), written(patterns.SHARE)]
Size = Annotated[ByteSize, BeforeValidator(_size), Field(gt=0), written(patterns.SIZE, **_BYTES)]
RegistryFormat = Annotated[str, AfterValidator(_known_format), WithJsonSchema({"enum": sorted(FORMATS)})]
RegistryHost = Annotated[str, AfterValidator(_host), written(patterns.HOST)]
KeysUrl = Annotated[str, AfterValidator(_keys_url), written(patterns.KEYS_URL)]
RegistryUrl = Annotated[str, AfterValidator(_url), written(patterns.URL)]
Interval = Annotated[
    timedelta | None,
    BeforeValidator(_duration_or_never),
    written("never", patterns.DURATION),
    Nothing("never"),
]
SyslogAddress = Annotated[str | Address, BeforeValidator(_syslog), written("/.*", patterns.ADDRESS)]
KeptFor = Annotated[
    timedelta | None,
    BeforeValidator(_for_so_long),
    written("forever", patterns.DAYS, patterns.DURATION),
    Nothing("forever"),
]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network), written(patterns.NETWORK)
]
TimeOfDay = Annotated[
    time, BeforeValidator(_time), written(patterns.TIME, type="integer", minimum=0, exclusiveMaximum=1440)
]
Zone = Annotated[str, AfterValidator(_zone), WithJsonSchema({"type": "string", "minLength": 1})]
