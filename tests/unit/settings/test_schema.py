"""The schema for editors says what the file really takes: what it finds wrong is refused, and what it takes is read."""

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from registry_docker_updater.errors import BadSettings
from registry_docker_updater.settings.loading import parse
from registry_docker_updater.settings.local import settings_file
from registry_docker_updater.settings.schema import schema
from unit.settings.conftest import changed, content

ROOT = Path(__file__).parents[3]
SCHEMA = schema()
CHECK = Draft202012Validator(SCHEMA)
PRODUCTION = content()["registries"]["production"]
FILE = {"file": "secrets/production"}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:pushes"
OIDC = {"audience": "us", "claims": {"email": "x"}}


def production(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**PRODUCTION, **changes}.items() if value is not ...}


# By setting: what is taken, and what is not.
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "listen": ([{}, {"port": 0}], [None, [], "8080", {"prot": 1}]),
    "listen.port": ([0, 65535, "8080", " 65535 "], ["many", "65536", 65536, -1, "-1", True, None, 80.5, "80.5"]),
    "listen.body_limit": (
        ["8 MiB", "64KiB", "1 B", 1024, "8 MB", "1g", " 8 MiB ", "1.5 GiB", "0.25k"],
        ["8 apples", "-1", "0 MiB", 0, None, True, "many", "0", "8bit", "0.4B", "1.5", 8.5, "0.00k", "0.001k"],
    ),
    "listen.access": (
        [None, {"read": [FILE]}, {"proxy": {"header": "X-User", "networks": ["192.0.2.0/24"]}}],
        [{}, {"names": ["a"]}, {"read": []}, {"read": ["hunter2"]}, {"proxy": {"header": "X User", "networks": ["192.0.2.1"]}}],
    ),
    "listen.access.operate": ([[{**FILE, "name": "Zoë"}]], [[{**FILE, "name": ""}], [{**FILE, "name": "x" * 101}], FILE]),
    "state_directory": (["state", "/var/lib/x"], [None, 5, ["x"]]),
    "registries": ([{"a.b-c_1": PRODUCTION}], [None, {}, [], {"a/b": PRODUCTION}, {"-x": PRODUCTION}, {"x" * 65: PRODUCTION}]),
    "registries.production": (
        [
            production(secret={"env": "HOME"}),
            production(secret=..., insecure=True),
            production(secret=None, insecure=True),
            production(secret=..., oidc=OIDC),
            production(secret=..., format="ecr", sns_topic=TOPIC),
            production(next_secret=FILE),
        ],
        [
            production(secret=...),
            production(secret=None),
            production(secret="hunter2"),
            production(secret=["hunter2"]),
            production(secret={}),
            production(secret={**FILE, "env": "HOME"}),
            production(secret={**FILE, "value": "hunter2"}),
            production(secret={"file": None}),
            production(format=...),
            production(hosts=...),
            production(secret=..., insecure=False),
        ],
    ),
    "registries.production.secret": ([{"file": None, "env": "HOME"}, {**FILE, "env": None}], [{"file": 5}, {"env": 5}]),
    "registries.production.format": (["harbor", "quay"], ["docker", None, "Harbor"]),
    "registries.production.hosts": (
        [["registry.example.com"], ["registry:5000", "[::1]:5000", "10.0.0.1"]],
        [[], "registry.example.com", ["https://registry.example.com"], ["a/b"], [5], ["bob@registry"], [""], ["a..b"], ["a.-b"], ["-"]],
    ),
    "registries.production.networks": (
        [[], ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "::ffff:192.0.2.7"]],
        [["example.com"], "192.0.2.0/24", [5], [True], [""], ["fe80::1%eth0"]],
    ),
    "registries.production.url": (
        [None, "https://registry.example.com", "http://198.18.0.1:5000/", "https://x/base", "http://[::1]:5000"],
        [
            "registry.example.com",
            "ftp://x",
            "https://",
            "https://x/?a=b",
            "https://x?",
            "https://bob:hunter2@x",
            "https://x#y",
            "HTTPS://x",
            "https://a b",
            "https://:80",
            "https://x:65536",
        ],
    ),
    "registries.production.verify": ([True, False, None, "true", "No", "OFF"], [1, "maybe", "1", ""]),
    "registries.production.sweep_interval": (["1h", "never"], ["seldom", None, "0s", False, 60]),
    "registries.production.credentials": (
        [None, {"username": "u", "password": FILE}],
        [{"username": "u", "password": "hunter2"}, {"username": "", "password": FILE}, {"password": FILE}],
    ),
    "registries.production.oidc": (
        [OIDC, {**OIDC, "keys": "https://issuer.example.com/certs"}, {**OIDC, "keys": "http://localhost:80/certs"}],
        [{"audience": "us"}, {**OIDC, "claims": {}}, {**OIDC, "keys": "http://issuer.example.com/"}, {**OIDC, "keys": "https://"}, {**OIDC, "keys": "HTTPS://x"}, {**OIDC, "keys": "https://a b"}, {**OIDC, "keys": "https://bob@x"}],
    ),
    "registries.production.sns_topic": ([None], ["pushes", 5, "arn:aws:sqs:eu-central-1:123456789012:pushes"]),
    "fleet": ([], [None, {}, {"inventory": "inventory", "hosts": ""}, {"invntory": "inventory"}]),
    "fleet.scan_interval": (
        ["10s", "500ms", "1.5m", "2h", "1d", " 10 s ", "365d", "8760.0h", "8759.9h", "0031536000s", "31536000000ms"],
        ["10", 10, "s", "-1s", "0s", "1y", "1m30s", None, True, "0.0m", "00h", "366d", "365.5d", "8761h", "40000000s", "9" * 16 + "ms"],
    ),
    "fleet.scan_share": (["20%", "100%", "0.5 %", "100.0%"], ["0%", "200%", "100.5%", 0.2, 20, None, "20", "0.0%"]),
    "fleet.environment": ([[], ["AWS_PROFILE"]], ["AWS_PROFILE", [5], None]),
    "rollouts.workers": ([1, 64, "4", "64"], [0, 65, "0", "65", None, True]),
    "rollouts.retry": ([{"first": "1s", "longest": "1s"}, {"attempts": "3"}], [{"first": 1}, {"attempts": 0}, {"attempts": "0"}, {"attempts": "9999999999"}, {"attempts": 10**9}, {"longer": "1s"}]),
    "keep.runs": (["90d", "forever", "5000d", "12h", "99999d"], ["never", 90, None, "0d", True, "40000h", "100000d"]),
    "keep.size": (["10 GiB", 5], ["0 GiB", None]),
    "audit.heads": (
        [{"syslog": "/dev/log"}, {"syslog": "logs.example.com:514"}, {"webhook": FILE}, {"log": False}, {"file": None}],
        [{"syslog": "logs"}, {"syslog": "logs:0"}, {"syslog": "logs:99999"}, {"syslog": ":514"}, {"webhook": "https://x"}, {"log": "maybe"}, {"syslog": 514}],
    ),
    "notifications.receivers": (
        [
            {},
            {"a": {"gets": "everything"}},
            {"a": {"gets": "the rest"}},
            {"a": {"gets": [{"groups": ["edge"]}]}},
            {"a": {"gets": None}},
            {"a": {"quiet_hours": {"begin": "22:00", "end": 450, "urgent": []}}},
            {"a": {"digest": {"at": "8:00", "zone": "Europe/Berlin"}}},
            {"a": {"topics": ["update failed", "started"]}},
        ],
        [
            [],
            {"a b": {}},
            {"a": None},
            {"a": {"gets": "all"}},
            {"a": {"gets": [{}]}},
            {"a": {"gets": [{"groups": []}]}},
            {"a": {"quiet_hours": {"begin": "25:00", "end": "8:00"}}},
            {"a": {"quiet_hours": {"begin": 1440, "end": "8:00"}}},
            {"a": {"digest": {"at": True}}},
            {"a": {"digest": {"at": "8:00", "zone": ""}}},
            {"a": {"topics": ["failures"]}},
            {"a": {"topics": "started"}},
        ],
    ),
    "policies": (
        [
            [],
            [{"soak": "1d"}, {"enable": True}, {"monitor_only": "no"}, {"four_eyes": 1}],
            [{"approval": "required"}, {"approval": 2}, {"approval": False}, {"approval": "20"}, {"approval": "03"}],
            [{"approvers": ["a", "b"]}, {"approvers": "a,b"}],
            [{"window": "22:00-04:00"}, {"window": ["mon-fri 22:00-04:00", "sat,sun 00:00-24:00"]}],
            [{"minimum_age": "2h", "longest_wait": "1d"}, {"follow": "semver ^1.4"}, {"approval_deadline": "3d"}],
        ],
        [
            {},
            [{}],
            [{"registries": ["production"]}],
            [{"soak": 1}],
            [{"soak": None}],
            [{"enable": "maybe"}],
            [{"enable": None}],
            [{"approval": 21}],
            [{"approval": "many"}],
            [{"approval": "021"}],
            [{"approval": "00003"}],
            [{"approval": 2.5}],
            [{"approval_deadline": "0s"}],
            [{"soak": "366d"}],
            [{"soak": ["1d"]}],
            [{"enable": ["true"]}],
            [{"approvers": []}],
            [{"approvers": 5}],
            [{"approvers": [5]}],
            [{"window": [["22:00-04:00"]]}],
            [{"follow": ["semver ^1"]}],
            [{"window": []}],
            [{"follow": "1.4"}],
            [{"windows": "22:00-04:00"}],
            [{"registries": "production", "soak": "1d"}],
        ],
    ),
    "runs.keep": (["everything", "outcomes"], ["nothing", None, True]),
    "log": ([{"format": "json", "level": "debug"}], [{"format": "xml"}, {"level": "INFO"}]),
}  # fmt: skip
ALL = [(name, value, good) for name, (right, wrong) in VALUES.items() for good, some in ((True, right), (False, wrong)) for value in some]  # fmt: skip


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("path", "value", "is_good"), ALL)
def test_the_schema_takes_what_the_file_takes_and_nothing_else(
    folder: Path, path: str, value: Any, is_good: bool
) -> None:
    given = changed(path, value)
    found = [f"{list(one.path)}: {one.message}" for one in CHECK.iter_errors(given)]
    assert (not found) is is_good, found
    with nullcontext() if is_good else pytest.raises(BadSettings):
        parse(given, folder / "config.yml")


def test_the_examples_are_right_by_the_schema(folder: Path) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    blocks = [
        block for page in pages for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    whole = [one for block in blocks if isinstance(one := yaml.safe_load(block), dict) and {"registries", "fleet"} <= one.keys()]  # fmt: skip
    local = settings_file({"XDG_STATE_HOME": str(folder)})
    for example in (*whole, yaml.safe_load(local.read_text())):
        assert not [f"{list(one.path)}: {one.message}" for one in CHECK.iter_errors(example)]
    assert whole


def test_every_default_is_as_it_would_stand_in_the_file() -> None:
    """And nothing that only a program understands, such as PT60S."""
    for name, node in _properties(SCHEMA):
        if "default" in node:
            found = list(
                Draft202012Validator({**node, "$defs": SCHEMA["$defs"]}).iter_errors(node["default"])
            )
            assert not found, name


def _properties(node: Any) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(node, list):
        return [one for inner in node for one in _properties(inner)]
    if not isinstance(node, dict):
        return []
    own = [one for one in node.get("properties", {}).items() if isinstance(one[1], dict)]
    return own + [one for inner in node.values() for one in _properties(inner)]
