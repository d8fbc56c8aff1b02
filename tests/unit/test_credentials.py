"""Where the credentials of a registry come from, and that no message ever holds one."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.credentials import (
    BadCredentials,
    find_credentials,
)

HOST = "registry.example.com"
ACCOUNT = {"username": "ci", "password": "s3cret", "serveraddress": HOST}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def found(folder: Path, config: Any, host: str = HOST) -> dict[str, str] | None:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return find_credentials(host, None, str(folder))


def refused(folder: Path, config: Any) -> str:
    with pytest.raises(BadCredentials) as bad:
        found(folder, config)
    assert "s3cret" not in str(bad.value)
    return str(bad.value)


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper named ``test``: what is written here is what it does."""
    path = tmp_path / "docker-credential-test"
    path.write_text("#!/bin/sh\nexit 9\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return path


def test_what_the_inventory_gives_comes_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("no JSON")
    given = {"username": "ci", "password": "s3cret"}
    assert find_credentials(HOST, given, str(tmp_path)) == ACCOUNT


@pytest.mark.parametrize(
    "given", [{"username": "ci"}, {"password": "s3cret"}, {"username": 7, "password": "x"}]
)
def test_half_of_an_account_is_refused_without_saying_the_other_half(given: dict[str, Any]) -> None:
    with pytest.raises(BadCredentials, match=f"the credentials for {HOST} have no") as bad:
        find_credentials(HOST, given)
    assert "s3cret" not in str(bad.value)


def test_where_nothing_is_configured_there_is_nothing(tmp_path: Path) -> None:
    assert find_credentials(HOST, None, str(tmp_path)) is None
    assert found(tmp_path, {}) is None
    assert found(tmp_path, {"auths": {"other.example.com": {"auth": encoded("a:b")}}}) is None
    assert found(tmp_path, {"auths": {HOST: {}}, "credHelpers": None}) is None


@pytest.mark.parametrize(
    "key", [HOST, f"https://{HOST}", f"http://{HOST}", f"https://{HOST}/v1/", f"https://{HOST}/v2/"]
)
def test_an_account_in_the_docker_config_is_found_under_every_way_to_write_the_host(
    tmp_path: Path, key: str
) -> None:
    assert found(tmp_path, {"auths": {key: {"auth": encoded("ci:s3cret")}}}) == ACCOUNT


def test_a_password_may_hold_a_colon(tmp_path: Path) -> None:
    account = found(tmp_path, {"auths": {HOST: {"auth": encoded("ci:a:b")}}})
    assert account
    assert account["password"] == "a:b"


def test_an_account_may_stand_in_the_config_in_clear(tmp_path: Path) -> None:
    assert found(tmp_path, {"auths": {HOST: {"username": "ci", "password": "s3cret"}}}) == ACCOUNT


def test_an_identity_token_is_taken_for_one(tmp_path: Path) -> None:
    entry = {"auth": encoded("ci:"), "identitytoken": "s3cret"}
    assert found(tmp_path, {"auths": {HOST: entry}}) == {"identitytoken": "s3cret", "serveraddress": HOST}


def test_docker_hub_has_a_key_of_its_own(tmp_path: Path) -> None:
    config = {"auths": {"https://index.docker.io/v1/": {"auth": encoded("ci:s3cret")}}}
    assert found(tmp_path, config, "docker.io") == {**ACCOUNT, "serveraddress": "docker.io"}
    assert found(tmp_path, config) is None


@pytest.mark.parametrize(
    "auth",
    ["s3cret!", encoded("s3cret"), encoded(":s3cret"), encoded("ci:"), "czNjcmV0", "\xfcs3cret", "/////w=="],
)
def test_what_is_no_account_is_refused_and_not_shown(tmp_path: Path, auth: str) -> None:
    assert HOST in refused(tmp_path, {"auths": {HOST: {"auth": auth}}})


@pytest.mark.parametrize("config", ["{s3cret", "[]", '"s3cret"', "null"])
def test_a_docker_config_that_is_none_is_refused_and_named(tmp_path: Path, config: str) -> None:
    assert str(tmp_path / "config.json") in refused(tmp_path, config)


def test_a_docker_config_that_cannot_be_read_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(BadCredentials, match="cannot read"):
        find_credentials(HOST, None, str(tmp_path))


def test_the_folder_is_that_of_the_environment_else_of_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, password in ((tmp_path / "a", "one"), (tmp_path / "home/.docker", "two")):
        folder.mkdir(parents=True)
        entry = {"auths": {HOST: {"auth": encoded(f"ci:{password}")}}}
        (folder / "config.json").write_text(json.dumps(entry))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    assert find_credentials(HOST) == {**ACCOUNT, "password": "two"}
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "a"))
    assert find_credentials(HOST) == {**ACCOUNT, "password": "one"}


def test_a_helper_is_asked_for_the_host(tmp_path: Path, helper: Path) -> None:
    helper.write_text(
        f'#!/bin/sh\ntest "$1" = get && test "$(cat)" = {HOST} && echo \'{{"Username":"ci","Secret":"s3cret"}}\'\n'
    )
    assert found(tmp_path, {"credHelpers": {HOST: "test"}}) == ACCOUNT
    assert found(tmp_path, {"credsStore": "test"}) == ACCOUNT
    assert found(tmp_path, {"credHelpers": {HOST: "test"}, "credsStore": "none"}) == ACCOUNT


def test_a_helper_may_give_a_token(tmp_path: Path, helper: Path) -> None:
    helper.write_text('#!/bin/sh\necho \'{"Username":"<token>","Secret":"s3cret"}\'\n')
    token = {"identitytoken": "s3cret", "serveraddress": HOST}
    assert found(tmp_path, {"credsStore": "test"}) == token


def test_a_helper_that_knows_nothing_of_the_host_is_no_error(tmp_path: Path, helper: Path) -> None:
    helper.write_text("#!/bin/sh\necho credentials not found in native keychain\nexit 1\n")
    assert found(tmp_path, {"credsStore": "test"}) is None


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo s3cret >&2; exit 3", "ended with code 3"),
        ("echo s3cret", "gave no Username and Secret"),
        ("echo '[\"s3cret\"]'", "gave no Username and Secret"),
        ('echo \'{"Secret":"s3cret"}\'', "gave no Username and Secret"),
        ('echo \'{"Username":"","Secret":"s3cret"}\'', "have no username"),
    ],
)
def test_a_helper_that_fails_is_named_and_what_it_said_is_not_shown(
    tmp_path: Path, helper: Path, script: str, why: str
) -> None:
    helper.write_text(f"#!/bin/sh\n{script}\n")
    assert why in refused(tmp_path, {"credsStore": "test"})


def test_a_helper_that_is_not_installed_is_named(tmp_path: Path) -> None:
    assert "docker-credential-none" in refused(tmp_path, {"credsStore": "none"})
