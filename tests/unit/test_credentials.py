"""Where the credentials of a registry come from, and that no message ever holds one."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
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
    "key",
    [
        HOST,
        HOST.upper(),
        f"{HOST}/",
        f"{HOST}/v1",
        f"{HOST}/team",
        f"https://{HOST}",
        f"https://{HOST}/",
        f"https://{HOST}/v1/",
        f"https://{HOST}/v2/",
        f"https://ci@{HOST}/v2/?x=1",
        f"http://{HOST}",
        f"http://{HOST}/",
    ],
)
def test_an_account_in_the_docker_config_is_found_under_every_way_to_write_the_host(
    tmp_path: Path, key: str
) -> None:
    assert found(tmp_path, {"auths": {key: {"auth": encoded("ci:s3cret")}}}) == ACCOUNT


def test_the_port_belongs_to_the_host_and_the_host_itself_comes_first(tmp_path: Path) -> None:
    """As in docker's client, which takes nothing of a registry for another on the same machine."""
    auths = {
        f"https://{HOST}:5000/v2/": {"auth": encoded("other:other")},
        f"https://{HOST}.evil.example/": {"auth": encoded("evil:evil")},
        f"https://evil.example/{HOST}": {"auth": encoded("evil:evil")},
        f"https://{HOST}/": {"auth": encoded("old:old")},
    }
    assert found(tmp_path, {"auths": auths}, f"{HOST}:5000") == {
        "username": "other",
        "password": "other",
        "serveraddress": f"{HOST}:5000",
    }
    assert found(tmp_path, {"auths": {**auths, HOST: {"auth": encoded("ci:s3cret")}}}) == ACCOUNT
    assert found(tmp_path, {"auths": auths}, "evil") is None


@pytest.mark.parametrize(
    "entry", [{}, {"auth": ""}, {"auth": "", "email": "x"}, {"username": "", "password": ""}]
)
def test_an_entry_that_holds_nothing_is_no_account_and_no_error(tmp_path: Path, entry: Any) -> None:
    """`docker logout`, and tools, leave such."""
    assert found(tmp_path, {"auths": {HOST: entry}}) is None
    assert found(tmp_path, {"auths": {f"https://{HOST}/": entry}}) is None


def test_a_registry_token_is_taken_for_one_and_comes_first(tmp_path: Path) -> None:
    entry = {"auth": encoded("ci:x"), "identitytoken": "y", "registrytoken": "s3cret"}
    assert found(tmp_path, {"auths": {HOST: entry}}) == {"registrytoken": "s3cret", "serveraddress": HOST}


def test_docker_hubs_helper_is_named_by_its_key(tmp_path: Path, helper: Path) -> None:
    helper.write_text(
        '#!/bin/sh\ntest "$(cat)" = https://index.docker.io/v1/ && echo \'{"Username":"ci","Secret":"s3cret"}\'\n'
    )
    account = {**ACCOUNT, "serveraddress": "docker.io"}
    for key in ("https://index.docker.io/v1/", "docker.io"):
        assert found(tmp_path, {"credHelpers": {key: "test"}}, "docker.io") == account


def test_a_helper_without_a_name_switches_the_store_off_for_its_host(tmp_path: Path) -> None:
    config = {
        "credsStore": "none",
        "credHelpers": {HOST: ""},
        "auths": {HOST: {"auth": encoded("ci:s3cret")}},
    }
    assert found(tmp_path, config) == ACCOUNT


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


@pytest.mark.parametrize(
    "config",
    [
        "{s3cret",
        "[]",
        '"s3cret"',
        "null",
        '{"auths": ' + "[" * 100_000,
        '{"auths": ["s3cret"]}',
        '{"credHelpers": "s3cret"}',
    ],
    ids=lambda config: config[:20],
)
def test_a_docker_config_that_is_none_is_refused_and_named(tmp_path: Path, config: str) -> None:
    assert str(tmp_path / "config.json") in refused(tmp_path, config)


@pytest.mark.parametrize(
    "config",
    [
        {"auths": {HOST: "s3cret"}},
        {"auths": {HOST: {"auth": {"s3cret": 1}}}},
        {"auths": {HOST: {"identitytoken": ["s3cret"]}}},
        {"auths": {HOST: {"registrytoken": 7}}},
        {"credsStore": ["s3cret"]},
        {"credHelpers": {HOST: 7}},
        {"credsStore": "a\0b"},
    ],
)
def test_what_is_of_the_wrong_kind_is_refused_with_the_host(tmp_path: Path, config: Any) -> None:
    assert HOST in refused(tmp_path, config)


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
    for script in (
        "echo credentials not found in native keychain; exit 1",
        'echo \'{"Username":"","Secret":""}\'',
    ):
        helper.write_text(f"#!/bin/sh\n{script}\n")
        assert found(tmp_path, {"credsStore": "test"}) is None


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo s3cret >&2; exit 3", "ended with code 3"),
        ("echo s3cret", "gave no Username and Secret"),
        ("echo '[\"s3cret\"]'", "gave no Username and Secret"),
        ('echo \'{"Secret":"s3cret"}\'', "gave no Username and Secret"),
        ("head -c 100000 /dev/zero | tr '\\0' '['", "gave no Username and Secret"),
        ('echo \'{"Username":"<token>","Secret":7}\'', "the identitytoken for"),
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
