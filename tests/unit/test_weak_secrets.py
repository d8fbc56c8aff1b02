"""Which secrets `check` calls weak."""

from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.settings.loading import parse
from registry_docker_updater.settings.weak import is_loopback, weak_secrets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hosts").write_text("solo")
    for name, text in (("long", "a" * 32), ("short", "abc"), ("open", "a" * 32)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644 if name == "open" else 0o640)
    return tmp_path


def said(folder: Path, listen: Any = None, **registry: Any) -> list[str]:
    production = {"format": "distribution", "hosts": ["registry.example.com"], **registry}
    settings = {
        "listen": listen or {"address": "127.0.0.1"},
        "registries": {"production": production},
        "fleet": {"inventory": "hosts"},
    }
    return list(weak_secrets(parse(settings, folder / "config.yml")))


def test_a_long_secret_that_few_can_read_is_not_weak(folder: Path) -> None:
    assert said(folder, secret={"file": "long"}) == []


def test_a_short_one_and_one_that_everybody_can_read_are(folder: Path) -> None:
    first, second = said(folder, secret={"file": "short"}, next_secret={"file": "open"})
    assert first.startswith("registries.production.secret is shorter than 16 characters")
    assert second.startswith("registries.production.next_secret: everybody on this machine can read")


def test_tokens_are_looked_at_like_secrets(folder: Path) -> None:
    access = {"read": [{"file": "long"}, {"file": "short"}], "operate": [{"file": "open"}]}
    first, second = said(folder, {"address": "0.0.0.0", "access": access}, secret={"file": "long"})
    assert first.startswith("listen.access.read.1 is shorter")
    assert second.startswith("listen.access.operate.0: everybody")


def test_what_is_open_to_whoever_reaches_the_port_is_said(folder: Path) -> None:
    first, second = said(folder, {"address": "0.0.0.0"}, insecure=True)
    assert first.startswith("registries.production.insecure: whoever reaches the port")
    assert second.startswith("listen.access is not set: whoever reaches the port")


@pytest.mark.parametrize(
    ("address", "is_one"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.com", False)],
)
def test_a_loopback_address_is_reached_by_this_machine_only(address: str, *, is_one: bool) -> None:
    assert is_loopback(address) is is_one
