"""What ``settings`` prints as JSON is a settings file: read again, it says the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.settings.loading import load
from registry_docker_updater.settings.schema import in_force
from unit.settings.conftest import changed, content, read

SECRET = {"file": "secrets/production"}


def everything() -> dict[str, Any]:
    """One of all that can be set, and of what stands for none."""
    made = content()
    made["registries"]["production"] |= {
        "sweep_interval": "never",
        "networks": ["192.0.2.0/24", "::ffff:192.0.2.7", "2001:db8::/32"],
        "url": "http://[::1]:5000/",
        "credentials": {"username": "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "password": SECRET},
        "next_secret": SECRET,
        "verify": "no",
    }
    made["registries"]["cloud"] = {
        "format": "ecr",
        "hosts": ["cloud"],
        "sns_topic": "arn:aws:sns:eu-central-1:123456789012:pushes",
    }
    made["registries"]["google"] = {
        "format": "gar",
        "hosts": ["google"],
        "oidc": {"audience": "us", "claims": {"email": "x"}},
    }
    made["listen"] = {
        "access": {"operate": [{**SECRET, "name": "\N{GRINNING FACE}"}], "names": ["a"]},
        "body_limit": "1.5 KiB",
    }
    made["fleet"] |= {"scan_share": "33.33%", "scan_interval": "1.5ms", "environment": ["A"]}
    made["keep"] = {"runs": "forever", "events": "5000d", "size": "1 GiB"}
    made["audit"] = {"heads": {"syslog": "logs.example.com:514", "file": "heads", "webhook": SECRET}}
    made["policies"] = [
        {
            "repositories": ["prod/*"],
            "enable": True,
            "approval": 2,
            "approvers": ["a", "b"],
            "window": ["mon,wed 22:00-04:00", "12:00-13:00"],
        },
        {"soak": "1d", "follow": "semver ^1.4"},
    ]
    made["notifications"] = {
        "receivers": {
            "default": {},
            "a": {
                "gets": [{"groups": ["edge"]}],
                "topics": ["started"],
                "quiet_hours": {"begin": 1320, "end": "7:00"},
            },
            "b": {"gets": "the rest", "digest": {"at": "8:00", "topics": []}},
        }
    }
    return made


@pytest.mark.parametrize("given", [content(), everything(), changed("audit.heads", {"syslog": "/dev/log"})])
def test_what_is_in_force_is_a_settings_file_that_says_the_same(folder: Path, given: dict[str, Any]) -> None:
    settings = read(folder, given)
    (folder / "again.yml").write_text(json.dumps(in_force(settings), indent=2))
    assert load(folder / "again.yml") == settings


def test_what_there_is_none_of_is_said_in_the_words_of_the_file(folder: Path) -> None:
    found = in_force(read(folder, everything()))
    assert found["keep"]["runs"] == "forever"
    assert found["registries"]["production"]["sweep_interval"] == "never"
    assert found["audit"]["heads"]["syslog"] == "logs.example.com:514"
    assert found["policies"][1] == {
        "registries": [],
        "repositories": [],
        "soak": "1d",
        "follow": "semver ^1.4",
    }
