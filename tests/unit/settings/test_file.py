"""The settings: what is taken, what it means, and how everything wrong is told at once."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.errors import BadSettings
from registry_docker_updater.settings.door import access
from registry_docker_updater.settings.loading import DEFAULT_PATH, find, load, parse
from unit.settings.conftest import changed, content, problems, read

FILE = """
registries:
  production:
    format: harbor
    hosts: [registry.example.com, "registry.internal:5000"]
    secret: {file: secrets/production}
fleet: {inventory: inventory}
"""


def test_little_has_to_be_said_and_the_rest_is_as_documented(folder: Path) -> None:
    (folder / "config.yml").write_text(FILE)
    settings = load(folder / "config.yml")
    assert (settings.listen.address, settings.listen.port, settings.listen.tls) == ("0.0.0.0", 8080, None)
    assert settings.listen.body_limit == 8 * 1024 * 1024
    assert settings.state_directory == Path("/var/lib/registry-docker-updater")
    assert (settings.fleet.hosts, settings.fleet.scan_interval) == ("all", timedelta(seconds=60))
    assert (settings.rollouts.workers, settings.rollouts.timeout) == (4, timedelta(minutes=30))
    assert settings.rollouts.retry_policy == RetryPolicy(
        Backoff(timedelta(seconds=10), timedelta(minutes=15)), 10
    )
    assert settings.runs.keep == "everything"
    registry = settings.registries["production"]
    assert registry.hosts == ("registry.example.com", "registry.internal:5000")
    assert registry.secrets == ("s3cret",)


def test_paths_are_relative_to_the_file_and_not_to_where_one_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    settings = read(folder, changed("state_directory", "state"))
    assert settings.state_directory == folder / "state"
    assert settings.fleet.inventory == folder / "inventory"
    secret = settings.registries["production"].secret
    assert secret
    assert secret.file == folder / "secrets/production"
    assert read(folder, changed("state_directory", "/var/x")).state_directory == Path("/var/x")


def test_everything_wrong_is_told_together_each_with_its_path(folder: Path) -> None:
    given = content()
    given["listen"] = {"port": 70000, "tls": {"certificate": "none.pem", "key": "none.key"}, "prot": 1}
    given["registries"]["production"] |= {"format": "docker", "hosts": ["https://registry.example.com"]}
    given["registries"]["test"] = {"format": "harbor", "hosts": [], "secret": "hunter2"}
    given["fleet"] = {"inventory": "nowhere", "scan_interval": "often"}
    given["rollouts"] = {"workers": 0, "retry": {"first": 10, "attempts": 0}}
    said = "\n".join(problems(folder, given))
    for path in (
        "listen.port: ",
        "listen.tls.certificate: ",
        "listen.tls.key: ",
        "listen.prot: is not a setting",
        "registries.production.format: 'docker' is not a format; known are acr, ",
        "registries.production.hosts.0: 'https://registry.example.com' is not a registry host",
        "registries.test.hosts: ",
        "registries.test.secret: write {file: PATH} or {env: NAME}",
        "fleet.inventory: ",
        "fleet.scan_interval: 'often' is not a duration",
        "rollouts.workers: ",
        "rollouts.retry.first: 10 is not a duration",
        "rollouts.retry.attempts: ",
    ):
        assert path in said
    assert "Value error" not in said
    assert "hunter2" not in said


def test_what_is_wrong_with_a_section_as_a_whole_is_told_beside_what_is_wrong_in_it(folder: Path) -> None:
    """And again in what holds it: a secret that is wrong as a whole hides nothing of its registry."""
    both = {"file": "secrets/none", "env": "NO_SUCH_VARIABLE", "value": "hunter2"}
    given = changed("registries.production", {"format": "harbr", "hosts": ["a"], "secret": both, "sercet": 1})
    given["listen"] = {
        "access": {"read": [], "nams": 1},
        "tls": {"certificate": "secrets/production", "key": "secrets/production", "client": "x"},
    }
    given["policies"] = [{"repositories": 5}]
    given["notifications"] = {
        "receivers": {
            "a": {"gets": [{"group": 1}], "quiet_hours": {"begin": "8:00", "end": "8:00", "zoen": 1}}
        }
    }
    found = problems(folder, given)
    expected = {
        "listen.access.nams": "is not a setting; did you mean names?",
        "listen.access": "give read, operate or proxy",
        "listen.tls.key": "cannot serve with",
        "listen.tls.client": "is not a setting; did you mean clients?",
        "registries.production.format": "'harbr' is not a format",
        "registries.production.secret.file": "cannot read the secret in",
        "registries.production.secret.env": "the variable NO_SUCH_VARIABLE is not set",
        "registries.production.secret.value": "is not a setting",
        "registries.production.secret": "give exactly one of file and env",
        "registries.production.sercet": "is not a setting; did you mean secret?",
        "policies.0.repositories": "is to be a list",
        "policies.0": "says nothing of these images",
        "notifications.receivers.a.gets.0.group": "is not a setting; did you mean groups?",
        "notifications.receivers.a.gets.0": "has no condition",
        "notifications.receivers.a.quiet_hours.end": "is the same time as begin",
        "notifications.receivers.a.quiet_hours.zoen": "is not a setting; did you mean zone?",
    }
    assert {one.partition(": ")[0] for one in found} == expected.keys()
    assert len(found) == len(expected)
    assert all(any(one.startswith(f"{path}: {said}") for one in found) for path, said in expected.items())


def test_the_error_names_the_file_and_counts(folder: Path) -> None:
    with pytest.raises(BadSettings, match=r"config\.yml has 1 problem:\n  fleet: is missing"):
        parse({"registries": content()["registries"]}, folder / "config.yml")
    with pytest.raises(BadSettings, match="has 2 problems:"):
        parse({}, folder / "config.yml")


@pytest.mark.parametrize("given", [None, [], "text", 7])
def test_a_file_that_holds_no_sections_is_refused(folder: Path, given: Any) -> None:
    assert problems(folder, given) == ("expected sections such as registries: and fleet:",)


def test_a_file_that_is_not_there_says_how_to_name_one(folder: Path) -> None:
    with pytest.raises(
        BadSettings, match=r"No such file.*give --config, or set REGISTRY_DOCKER_UPDATER_CONFIG"
    ):
        load(folder / "none.yml")


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("hunter2", "a secret itself never stands in the settings"),
        (["hunter2"], "a secret itself never stands in the settings"),
        ({}, "give exactly one of file and env"),
        ({"file": "secrets/production", "env": "HOME"}, "give exactly one of file and env"),
        ({"file": "secrets/none"}, "cannot read the secret in "),
        ({"file": "secrets"}, "cannot read the secret in "),
        ({"env": "NO_SUCH_VARIABLE"}, "the variable NO_SUCH_VARIABLE is not set"),
        ({"file": "secrets/production", "value": "hunter2"}, "is not a setting"),
    ],
)
def test_a_secret_is_named_and_can_be_read(folder: Path, secret: Any, problem: str) -> None:
    (said,) = problems(folder, changed("registries.production.secret", secret))
    assert said.startswith("registries.production.secret")
    assert problem in said
    assert "hunter2" not in said


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_an_empty_secret_is_refused(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "secrets/production").write_text(text)
    monkeypatch.setenv("EMPTY", text)
    for secret in ({"file": "secrets/production"}, {"env": "EMPTY"}):
        (said,) = problems(folder, changed("registries.production.secret", secret))
        assert "an empty secret lets everybody in" in said


def test_a_secret_of_the_environment_is_read_without_its_white_space(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRODUCTION", " s3cret\n")
    settings = read(folder, changed("registries.production.secret", {"env": "PRODUCTION"}))
    assert settings.registries["production"].secrets == ("s3cret",)
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("500ms", 0.5), ("1.5m", 90), ("2h", 7200), ("1d", 86400), (" 10 s ", 10)],
)
def test_a_duration_is_a_number_and_a_unit(folder: Path, text: str, seconds: float) -> None:
    settings = read(folder, changed("fleet.scan_interval", text))
    assert settings.fleet.scan_interval == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["10", 10, "s", "-1s", "0s", "1y", "1m30s", None, True, "9" * 30 + "d"])
def test_anything_else_is_no_duration(folder: Path, value: Any) -> None:
    (said,) = problems(folder, changed("fleet.scan_interval", value))
    assert said.startswith("fleet.scan_interval: ")


@pytest.mark.parametrize(
    ("value", "size"),
    [("8 MiB", 2**23), ("64KiB", 2**16), (1024, 1024), ("1 B", 1), ("1GiB", 2**30), ("8 MB", 8 * 10**6)],
)
def test_a_size_is_bytes_or_a_number_and_a_unit(folder: Path, value: Any, size: int) -> None:
    assert read(folder, changed("listen.body_limit", value)).listen.body_limit == size


@pytest.mark.parametrize("value", ["8 apples", "-1", 0, "many", None, True])
def test_anything_else_is_no_size(folder: Path, value: Any) -> None:
    (said,) = problems(folder, changed("listen.body_limit", value))
    assert said.startswith("listen.body_limit: ")


def test_one_host_cannot_belong_to_two_registries(folder: Path) -> None:
    given = content()
    given["registries"]["test"] = {**given["registries"]["production"], "hosts": ["Registry.EXAMPLE.com"]}
    assert problems(folder, given) == (
        "registries.test.hosts.0: Registry.EXAMPLE.com belongs to registries.production already",
    )


@pytest.mark.parametrize("name", ["a/b", "", "..", "-x", "a b", "x" * 65, "a?b"])
def test_the_name_of_a_registry_is_part_of_a_path(folder: Path, name: str) -> None:
    given = content()
    given["registries"][name] = given["registries"].pop("production")
    (said,) = problems(folder, given)
    assert "a name is letters, digits, _ . and -" in said


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("registries.production.hosts", "registry.example.com", "is to be a list, such as [one, two]"),
        ("registries.production.hosts", [], "is empty, and is to have one entry at least"),
        ("fleet.environment", "AWS_PROFILE", "is to be a list, such as [one, two]"),
        ("fleet", None, "is to be a section, with settings in it"),
        ("rollouts", 5, "is to be a section, with settings in it"),
        ("registries", [], "is to be a section, with names of yours in it"),
        ("state_directory", None, "is to be a path"),
        ("fleet.scan_share", "200%", "'200%' is not more than 0% and at most 100%"),
        ("fleet.scan_share", "0%", "'0%' is not more than 0% and at most 100%"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_file(
    folder: Path, path: str, value: Any, problem: str
) -> None:
    assert problems(folder, changed(path, value)) == (f"{path}: {problem}",)


def test_a_list_of_which_every_entry_is_wrong_is_not_called_empty_besides(folder: Path) -> None:
    (said,) = problems(folder, changed("registries.production.hosts", ["https://registry.example.com"]))
    assert "is not a registry host" in said


def test_a_section_may_take_over_what_another_says_and_say_some_of_it_anew(folder: Path) -> None:
    (folder / "config.yml").write_text("""
registries:
  production: &production
    format: distribution
    hosts: [registry.example.com]
    secret: {file: secrets/production}
  test: &test {<<: *production, hosts: [test.example.com]}
  other: {<<: *test, hosts: [other.example.com]}
fleet: {inventory: inventory}
""")
    registries = load(folder / "config.yml").registries
    assert [one.hosts[0].partition(".")[0] for one in registries.values()] == ["registry", "test", "other"]


def test_files_that_no_certificate_is_in_are_named(folder: Path) -> None:
    files = {"certificate": "secrets/production", "key": "secrets/production"}
    (said,) = problems(folder, changed("listen.tls", files))
    assert said.startswith(f"listen.tls.key: cannot serve with {folder}/secrets/production and ")
    assert "is to be PEM" in said


def test_there_has_to_be_a_registry(folder: Path) -> None:
    (said,) = problems(folder, {**content(), "registries": {}})
    assert said.startswith("registries: ")


def test_the_file_is_the_one_given_else_of_the_environment_else_the_usual() -> None:
    named = {"REGISTRY_DOCKER_UPDATER_CONFIG": "/elsewhere.yml"}
    assert find("here.yml", named) == Path("here.yml")
    assert find(None, named) == Path("/elsewhere.yml")
    assert find(None, {}) == DEFAULT_PATH == Path("/etc/registry-docker-updater/config.yml")


def test_settings_cannot_be_changed_after_they_were_read(folder: Path) -> None:
    settings = read(folder, content())
    with pytest.raises(ValueError, match="frozen"):
        settings.state_directory = Path(os.sep)  # type: ignore[misc]


@pytest.mark.parametrize("access", [{}, {"names": ["updater.example.com"]}, {"read": []}])
def test_access_that_lets_nobody_in_is_refused(folder: Path, access: dict[str, Any]) -> None:
    (said,) = problems(folder, {**content(), "listen": {"access": access}})
    assert said.startswith("listen.access: give read, operate or proxy")


@pytest.mark.parametrize(
    ("listen", "is_taken"),
    [
        ({"port": 8081, "api": {}}, True),
        ({"address": "::", "api": {"port": 8080}}, True),
        ({"address": "192.0.2.7", "api": {"address": "192.0.2.7", "port": 8080}}, True),
        ({"api": {}}, False),
        ({"port": 0, "api": {"port": 0}}, False),
        ({"address": "192.0.2.7", "api": {"port": 8080}}, False),
        ({"api": {"address": "::1", "port": 8080}}, False),
    ],
)
def test_the_api_is_not_where_registries_send_to(
    folder: Path, listen: dict[str, Any], is_taken: bool
) -> None:
    if not is_taken:
        read(folder, changed("listen", listen))
        return
    (said,) = problems(folder, changed("listen", listen))
    assert said.startswith("listen.api: is at port ")


def test_a_secret_that_is_no_text_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "secrets/production").write_bytes(b"p\xe4ssword")
    (said,) = problems(folder, content())
    assert "is not UTF-8" in said
    monkeypatch.setenv("PRODUCTION", "p\udce4ssword")
    (said,) = problems(folder, changed("registries.production.secret", {"env": "PRODUCTION"}))
    assert "is not UTF-8" in said


def test_a_token_is_called_by_its_name_else_by_its_place_and_never_by_itself(folder: Path) -> None:
    secret = {"file": "secrets/production"}
    tokens = {"read": [secret], "operate": [{**secret, "name": "Zoë"}, secret]}
    known = access(read(folder, {**content(), "listen": {"access": tokens}})).tokens
    assert [one.name for one in known] == [
        "token 1 of listen.access.read",
        "Zoë",
        "token 2 of listen.access.operate",
    ]
    assert not any(one.secret in one.name for one in known)


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 101])
def test_a_name_of_a_token_that_is_none_is_refused(folder: Path, name: str) -> None:
    token = {"file": "secrets/production", "name": name}
    (said,) = problems(folder, {**content(), "listen": {"access": {"read": [token]}}})
    assert said.startswith("listen.access.read.0.name: ")
