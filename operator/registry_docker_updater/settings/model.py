"""The settings: one YAML file, read once, refused as a whole with everything that is wrong in it."""

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.references import InvalidReference, check_host
from registry_docker_updater.core.rollouts.history import RetryPolicy
from registry_docker_updater.errors import BadSettings

DEFAULT_PATH = Path("/etc/registry-docker-updater/config.yml")
PATH_VARIABLE = "REGISTRY_DOCKER_UPDATER_CONFIG"

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_SECONDS = 365 * 86400
_SIZE = re.compile(r"(\d+)\s*(KiB|MiB|GiB|B)?")
_BYTES = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
# What engines ask without TLS when nobody says otherwise.
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.IGNORECASE)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
# What is wrong, where the library's words for it are those of its own types.
_SAID = {
    "extra_forbidden": "is not a setting",
    "missing": "is missing",
    "tuple_type": "is to be a list, such as [one, two]",
    "dict_type": "is to be a section, with names of yours in it",
    "model_type": "is to be a section, with settings in it",
    "path_type": "is to be a path",
    "too_short": "is empty, and is to have one entry at least",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if not match:
            raise ValueError(f"{value!r} is not a duration such as 10s, 15m or 1h")
        seconds = float(match[1]) * _SECONDS[match[2]]
        if seconds > _LONGEST_SECONDS:
            raise ValueError(f"{value!r} is longer than a year")
        return timedelta(seconds=seconds)
    if isinstance(value, timedelta):
        return value
    raise ValueError(f"{value!r} is not a duration: write a number and a unit, such as 10s, 15m or 1h")


def _size(value: Any) -> Any:
    match = _SIZE.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is not a size such as 8 MiB")
    return int(match[1]) * _BYTES[match[2]]


def _duration_or_never(value: Any) -> Any:
    return None if value == "never" else _positive(_duration(value))


def _url(value: str) -> str:
    parts = urlsplit(value)
    if "@" in parts.netloc:
        raise ValueError("a user or password stands in it; set credentials beside it")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            f"{value!r} is not the base of a registry's API, such as https://registry.example.com"
        )
    return value.rstrip("/")


def _share(value: Any) -> Any:
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{value!r} is not a share such as 20%")
    share = float(match[1]) / 100
    if not 0 < share <= 1:
        raise ValueError(f"{value!r} is not more than 0% and at most 100%")
    return share


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


def _beside_the_file(value: Path, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", ".")) / value


def _existing(value: Path) -> Path:
    if not os.access(value, os.R_OK):
        raise ValueError(f"{value} {'cannot be read' if value.exists() else 'does not exist'}")
    return value


RelativePath = Annotated[Path, AfterValidator(_beside_the_file)]
ReadablePath = Annotated[RelativePath, AfterValidator(_existing)]
Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_positive)]
Share = Annotated[float, BeforeValidator(_share)]
Size = Annotated[int, BeforeValidator(_size), Field(gt=0)]
RegistryHost = Annotated[str, AfterValidator(_host)]
RegistryUrl = Annotated[str, AfterValidator(_url)]
Interval = Annotated[timedelta | None, BeforeValidator(_duration_or_never)]


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
        except KeyError:
            raise ValueError(f"the variable {self.env} is not set") from None
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


class Listen(_Section):
    """Where the operator listens."""

    address: str = Field("0.0.0.0", description="The address to listen on.")  # noqa: S104 - registries are elsewhere
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    tls: Tls | None = Field(None, description="Serve TLS with this certificate; without it, plain HTTP.")
    body_limit: Size = Field(8 * 2**20, description="The largest body of an event that is read.")


class Credentials(_Section):
    """A user of a registry."""

    username: str = Field(min_length=1, description="The user, who may pull what the fleet runs.")
    password: Secret = Field(description="Its password, or a token made for it.")


class Registry(_Section):
    """A registry that sends events, and is asked whether all of them came."""

    format: Annotated[str, AfterValidator(_known_format)] = Field(description="How it writes its events.")
    hosts: tuple[RegistryHost, ...] = Field(
        min_length=1,
        description="Every name under which the fleet pulls from it; the first is used in messages.",
    )
    secret: Secret = Field(
        description="What it sends as Authorization, with or without the word Bearer before it."
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
        """The same as the planner takes it."""
        return RetryPolicy(self.retry.first, self.retry.longest, self.retry.attempts)


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


def find(given: str | None, environment: Mapping[str, str]) -> Path:
    """Return the settings file's path: what was given, else the environment's, else the default."""
    return Path(given or environment.get(PATH_VARIABLE) or DEFAULT_PATH)


def load(path: Path) -> Settings:
    """Read and check the settings; paths in them are relative to the file's folder.

    Raises :class:`BadSettings` with everything that is wrong, unreadable secrets included.
    """
    try:
        with path.open() as stream:
            content = yaml.load(stream, _Careful)  # noqa: S506 - it is a safe loader
    except OSError as error:
        hint = f"; give --config, or set {PATH_VARIABLE}" if isinstance(error, FileNotFoundError) else ""
        raise BadSettings(str(path), [f"cannot be read: {error.strerror}{hint}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadSettings(str(path), [f"is not valid YAML: {' '.join(str(error).split())}"]) from None
    return parse(content, path)


def parse(content: Any, path: Path) -> Settings:
    """Check ``content``, the decoded file at ``path``; raises :class:`BadSettings`."""
    if not isinstance(content, dict):
        raise BadSettings(str(path), ["expected sections such as registries: and fleet:"])
    try:
        return Settings.model_validate(content, context={"folder": path.absolute().parent})
    except ValidationError as error:
        raise BadSettings(str(path), _problems(error.errors())) from None


class _Careful(yaml.SafeLoader):
    """Refuses a name that stands twice in a section: the first would be forgotten without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before `<<` is resolved, which puts the names of other sections into this one.
        node = super().compose_mapping_node(anchor)
        seen = set[str]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    None, None, f"{key.value} stands twice in this section", key.start_mark
                )
            seen.add(key.value)
        return node


def _problems(entries: Sequence[Any]) -> list[str]:
    # A list of which every entry is wrong is called too short, besides.
    wrong = {entry["loc"][:-1] for entry in entries}
    return [_problem(one) for one in entries if one["type"] != "too_short" or one["loc"] not in wrong]


def _problem(entry: Any) -> str:
    where = ".".join(str(part) for part in entry["loc"])
    said = _SAID.get(entry["type"])
    message = said or entry["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
