"""Registries in the settings: how they prove themselves, from where they send, and how they are asked."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.settings.door import sources
from unit.settings.conftest import changed, content, problems, read

OIDC = {"audience": "us", "claims": {"email": "pubsub@example.com"}}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:pushes"


def test_a_registry_is_asked_where_engines_would_pull_unless_told_otherwise(folder: Path) -> None:
    """With TLS, but for this machine itself."""
    made = content()
    production = made["registries"]["production"]
    for host, address in (
        ("registry.example.com", "https://registry.example.com"),
        ("registry.internal:5000", "https://registry.internal:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.2:5000", "http://127.0.0.2:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost.example.com", "https://localhost.example.com"),
    ):
        production["hosts"] = [host, "other.example.com"]
        assert read(folder, made).registries["production"].address == address
    production["url"] = "http://198.18.0.1:5000/"
    assert read(folder, made).registries["production"].address == "http://198.18.0.1:5000"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("registry.example.com", "is not the base of a registry's API, such as https://registry.example.com"),
        ("ftp://registry.example.com", "is not the base of a registry's API"),
        ("https://", "is not the base of a registry's API"),
        ("https://registry.example.com/?a=b", "is not the base of a registry's API"),
        ("https://bob:hunter2@registry.example.com", "a user or password stands in it"),
    ],
)
def test_an_address_that_is_none_or_tells_a_password_is_refused(folder: Path, url: str, problem: str) -> None:
    (said,) = problems(folder, changed("registries.production.url", url))
    assert said.startswith("registries.production.url: ")
    assert problem in said
    assert "hunter2" not in said


def test_the_sweep_is_hourly_can_be_set_and_switched_off(folder: Path) -> None:
    assert read(folder, content()).registries["production"].sweep_interval == timedelta(hours=1)
    for text, interval in (("10m", timedelta(minutes=10)), ("never", None)):
        settings = read(folder, changed("registries.production.sweep_interval", text))
        assert settings.registries["production"].sweep_interval == interval
    for wrong in ("seldom", None, "0s", False):
        (said,) = problems(folder, changed("registries.production.sweep_interval", wrong))
        assert said.startswith("registries.production.sweep_interval: ")


def test_the_user_who_asks_a_registry_has_a_name_and_a_secret_that_is_only_named(folder: Path) -> None:
    path = "registries.production.credentials"
    given = {"username": "updater", "password": {"file": "secrets/production"}}
    credentials = read(folder, changed(path, given)).registries["production"].credentials
    assert credentials is not None
    assert (credentials.username, credentials.password.read()) == ("updater", "s3cret")
    for wrong in (
        {"username": "updater", "password": "hunter2"},
        {**given, "username": ""},
        {"password": given},
    ):
        assert all(said.startswith(path) for said in problems(folder, changed(path, wrong)))
        assert "hunter2" not in str(problems(folder, changed(path, wrong)))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"secret": None}, "registries.production.secret: is missing, and whoever reaches the port"),
        ({"insecure": True}, "registries.production.secret: stands beside insecure: true, and nobody"),
        (
            {"secret": None, "next_secret": {"file": "secrets/production"}, "insecure": False},
            "registries.production.secret: is missing",
        ),
        (
            {"format": "quay", "sweep_interval": "never"},
            "registries.production.sweep_interval: is never, but events of format quay name no digest",
        ),
        (
            {"verify": True, "sweep_interval": "never"},
            "registries.production.sweep_interval: is never, but verify is set",
        ),
        ({"sns_topic": TOPIC}, "registries.production.sns_topic: is set, but events of format"),
        (
            {"format": "ecr", "sns_topic": "pushes"},
            "registries.production.sns_topic: 'pushes' is not the ARN of a topic",
        ),
        (
            {"oidc": {**OIDC, "keys": "http://issuer.example.com/certs"}},
            "registries.production.oidc.keys: 'http://issuer.example.com/certs' is not an address of keys",
        ),
        ({"oidc": {"audience": "us"}}, "registries.production.oidc.claims: is missing"),
        ({"oidc": {**OIDC, "claims": {}}}, "registries.production.oidc.claims: "),
        (
            {"oidc": OIDC, "insecure": True, "secret": None},
            "registries.production.oidc: stands beside insecure: true, and nobody",
        ),
        ({"networks": ["192.0.2.1/24"]}, "registries.production.networks.0: '192.0.2.1/24' is not a network"),
        ({"networks": ["example.com"]}, "registries.production.networks.0: 'example.com' is not a network"),
    ],
)
def test_a_registry_that_anybody_could_pass_for_is_refused(
    folder: Path, changes: dict[str, Any], problem: str
) -> None:
    given = content()
    registry = {**given["registries"]["production"], **changes}
    given["registries"]["production"] = {name: value for name, value in registry.items() if value is not None}
    (said,) = problems(folder, given)
    assert said.startswith(problem)


def test_a_registry_that_proves_itself_by_a_key_of_its_own_needs_no_secret(folder: Path) -> None:
    for more in ({"format": "gar", "oidc": OIDC}, {"format": "ecr", "sns_topic": TOPIC}):
        given = content()
        del given["registries"]["production"]["secret"]
        given["registries"]["production"].update(more)
        (source,) = sources(read(folder, given)).values()
        assert source.secrets == ()
        assert source.identity
        assert source.is_signed is (more["format"] == "ecr")
        assert "sns_topic" in source.proven_by or "oidc" in source.proven_by


def test_who_is_known_by_a_key_is_so_after_the_settings_were_read_again(folder: Path) -> None:
    given = content()
    given["registries"]["production"].update(oidc=OIDC)
    known: dict[str, Any] = {}
    (before,), (after,) = (sources(read(folder, given), known).values() for _ in range(2))
    assert before.identity is after.identity
    given["registries"]["production"]["oidc"] = {**OIDC, "audience": "them"}
    (other,) = sources(read(folder, given), known).values()
    assert other.identity is not before.identity


def test_of_a_registry_that_can_be_asked_events_are_believed_where_it_cannot_and_no_signed_one_is(
    folder: Path,
) -> None:
    for changes, verify, believes in (
        ({}, True, True),
        ({"verify": True}, True, False),
        ({"verify": False}, False, True),
        ({"format": "github"}, True, False),
    ):
        given = content()
        given["registries"]["production"].update(changes)
        settings = read(folder, given)
        (source,) = sources(settings).values()
        assert source.verify is verify
        assert settings.registries["production"].believes_events is believes


def test_a_registry_without_a_secret_says_that_it_is_insecure(folder: Path) -> None:
    given = content()
    del given["registries"]["production"]["secret"]
    given["registries"]["production"]["insecure"] = True
    assert read(folder, given).registries["production"].secrets == ()


def test_both_secrets_of_a_registry_are_valid(folder: Path) -> None:
    (folder / "secrets/next").write_text("another\n")
    settings = read(folder, changed("registries.production.next_secret", {"file": "secrets/next"}))
    assert settings.registries["production"].secrets == ("s3cret", "another")


@pytest.mark.parametrize(
    ("given", "network"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
    ],
)
def test_networks_are_those_that_peers_have(folder: Path, given: str, network: str) -> None:
    settings = read(folder, changed("registries.production.networks", [given]))
    assert [str(one) for one in settings.registries["production"].networks] == [network]


@pytest.mark.parametrize("given", [True, 5, ["192.0.2.0"]])
def test_a_network_is_written_as_text(folder: Path, given: Any) -> None:
    (said,) = problems(folder, changed("registries.production.networks", [given]))
    assert "is not a network" in said
