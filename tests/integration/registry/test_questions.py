"""Asking registries for digests: real ones on loopback, and played ones that answer in odd ways."""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.receivers import certificate, free_port
from integration.registries import (
    image,
    needs_registry,
    played,
    registry,
)
from integration.registry.conftest import client
from lab.images import INDEX, MANIFEST
from registry_docker_updater.edges.registry.port import Found
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable, UpdaterError
from unit.builders import NEW


@needs_registry
def test_a_tag_is_told_with_its_digest_and_the_registrys_clock(stack: ExitStack, tmp_path: Path) -> None:
    """A tag that is gone, or a repository that never was, is nothing wrong."""
    real = stack.enter_context(registry(tmp_path / "registry"))
    digest = real.client.push("test/app", "1", image("1"))
    asking = client(f"http://{real.host}")
    found = asking.find("test/app", "1")
    assert found.digest == digest
    assert found.at is not None
    assert abs(datetime.now(UTC) - found.at) < timedelta(minutes=1)
    assert asking.find("test/app", "2").digest is None
    assert asking.find("test/none", "1").digest is None
    real.client.delete("test/app", digest)
    assert asking.find("test/app", "1").digest is None
    asking.check()


@needs_registry
def test_of_an_image_for_many_platforms_the_digest_is_that_of_the_index(
    stack: ExitStack, tmp_path: Path
) -> None:
    """A registry that is not told that indexes are welcome gives one of its images."""
    real = stack.enter_context(registry(tmp_path / "registry"))
    digest = real.client.push_index("test/app", "1", {"linux/amd64": image("1"), "linux/arm64": image("2")})
    assert client(f"http://{real.host}").find("test/app", "1").digest == digest


@needs_registry
def test_a_certificate_that_nobody_knows_is_told_and_trusted_when_named(
    stack: ExitStack, tmp_path: Path
) -> None:
    _, trusted = certificate(tmp_path)
    tls = {"certificate": str(trusted), "key": str(tmp_path / "mail.key")}
    real = stack.enter_context(registry(tmp_path / "registry", tls=tls))
    with pytest.raises(
        RegistryUnavailable, match=r"certificate verify failed.*; registries\.production\.ca names"
    ):
        client(f"https://{real.host}").check()
    client(f"https://{real.host}", ca=trusted).check()


def test_a_registry_without_tls_is_told_with_the_remedy(stack: ExitStack) -> None:
    url = stack.enter_context(played(lambda *_: (200, {}, b""))).replace("http", "https")
    with pytest.raises(RegistryUnavailable, match=r"; set registries\.production\.url to http://… where"):
        client(url).check()


def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    with pytest.raises(UpdaterError, match=r"registries\.production\.ca: .*ca\.pem holds no certificate"):
        client("https://registry.example.com", ca=tmp_path / "ca.pem")


def test_a_registry_that_is_down_is_named_with_the_cause() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RegistryUnavailable) as down:
        client(url).find("test/app", "1")
    assert str(down.value).startswith(f"registry production ({url}) cannot be asked: ")
    assert str(down.value).endswith("Connection refused")
    assert "object at" not in str(down.value)
    assert down.value.retry_after is None


def test_a_registry_that_hangs_up_once_is_asked_once_more(stack: ExitStack) -> None:
    """As one does with a connection that was not used for long."""
    answers = [(0, {}, b""), (200, {"Docker-Content-Digest": NEW}, b""), (0, {}, b""), (0, {}, b"")]
    asking = client(stack.enter_context(played(lambda *_: answers.pop(0))))
    assert asking.find("test/app", "1").digest == NEW
    with pytest.raises(RegistryUnavailable, match="cannot be asked: Remote end closed connection without"):
        asking.find("test/app", "1")


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, "120", 120),
        (429, None, 60),
        (429, "Sun, 22 Nov 2026 12:05:00 GMT", 300),
        (503, "7", 7),
        (503, None, None),
        (500, "soon", None),
    ],
)
def test_a_registry_that_wants_to_be_left_alone_says_for_how_long(
    stack: ExitStack, status: int, header: str | None, wait: float | None
) -> None:
    """A date is measured by the registry's own clock."""
    headers = {"Date": "Sun, 22 Nov 2026 12:00:00 GMT", **({"Retry-After": header} if header else {})}
    url = stack.enter_context(played(lambda *_: (status, headers, b"")))
    with pytest.raises(RegistryUnavailable, match=f"answers {status}") as busy:
        client(url).find("test/app", "1")
    assert busy.value.retry_after == (timedelta(seconds=wait) if wait else None)


def test_a_tag_that_a_registry_cannot_tell_of_hinders_no_other(stack: ExitStack) -> None:
    """Its manifest is broken, or its upstream is down; the registry itself answers."""
    url = stack.enter_context(played(lambda _, path, *__: (500 if "broken" in path else 200, {}, b"")))
    with pytest.raises(RepositoryUnavailable, match="answers 500"):
        client(url).find("test/broken", "1")
    everything = stack.enter_context(played(lambda *_: (500, {}, b"")))
    with pytest.raises(RegistryUnavailable):
        client(everything).find("test/broken", "1")


def test_a_registry_that_tells_no_digest_is_asked_for_the_manifest_itself(stack: ExitStack) -> None:
    manifest = b'{"schemaVersion": 2}'
    asked: list[str] = []

    def answer(method: str, _path: str, headers: Mapping[str, str], _: bytes) -> tuple[int, Any, bytes]:
        asked.append(method)
        oci = "application/vnd.oci.image"
        accepted = {MANIFEST, INDEX, f"{oci}.manifest.v1+json", f"{oci}.index.v1+json"}
        assert set(headers["Accept"].split(",")) == accepted
        return (405, {}, b"") if method == "HEAD" and len(asked) > 2 else (200, {}, manifest)

    url = stack.enter_context(played(answer))
    expected = Found(f"sha256:{hashlib.sha256(manifest).hexdigest()}", None)
    asking = client(url)
    assert asking.find("test/app", "1") == expected
    assert asking.find("test/app", "1") == expected
    assert asked == ["HEAD", "GET", "HEAD", "GET"]


@pytest.mark.parametrize(
    ("status", "headers"), [(200, {"Docker-Content-Digest": "sha256:short"}), (400, {}), (418, {})]
)
def test_an_answer_without_a_digest_is_told(
    stack: ExitStack, status: int, headers: Mapping[str, str]
) -> None:
    url = stack.enter_context(played(lambda *_: (status, headers, b"")))
    with pytest.raises(RepositoryUnavailable, match=f"answers {status} and no digest for test/app:1"):
        client(url).find("test/app", "1")


def test_what_is_no_registry_is_told(stack: ExitStack) -> None:
    url = stack.enter_context(played(lambda *_: (404, {}, b"not here")))
    with pytest.raises(
        RegistryUnavailable, match="answers 404 where a registry's API should be; is url right"
    ):
        client(url).check()


def test_the_environments_proxy_is_used_unless_the_host_is_excepted(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def proxy(_method: str, path: str, *_: Any) -> tuple[int, Any, bytes]:
        asked.append(path)
        return 200, {"Docker-Content-Digest": NEW}, b""

    monkeypatch.setenv("http_proxy", stack.enter_context(played(proxy)))
    monkeypatch.delenv("no_proxy", raising=False)
    assert client("http://registry.example.com").find("test/app", "1").digest == NEW
    assert asked == ["http://registry.example.com/v2/test/app/manifests/1"]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    direct = stack.enter_context(played(lambda *_: (404, {}, b"")))
    assert client(direct).find("test/app", "1").digest is None
