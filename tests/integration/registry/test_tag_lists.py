"""Asking registries for the tags of a repository: real ones, and played ones that page in odd or hostile ways."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from integration.registries import (
    RealRegistry,
    RealZot,
    distribution3,
    image,
    needs_registry,
    played,
    registry,
    token_server,
    zot,
)
from integration.registry.conftest import ACCOUNT, client
from registry_docker_updater.edges.registry import tag_list
from registry_docker_updater.edges.registry.tag_list import next_query, tags_in
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable


def listed(url: str) -> list[str]:
    return [tag for page in client(url).tags("test/app") for tag in page]


def paging(stack: ExitStack, pages: Mapping[str, tuple[Any, str]]) -> tuple[str, list[str]]:
    """A registry that has a page, and what it says in ``Link``, for each ``last``; and what it was asked for."""
    asked: list[str] = []

    def answer(_: str, path: str, *__: Any) -> tuple[int, Mapping[str, str], bytes]:
        asked.append(path)
        tags, link = pages[parse_qs(urlsplit(path).query).get("last", [""])[0]]
        return 200, {"Link": link} if link else {}, json.dumps({"name": "test/app", "tags": tags}).encode()

    return stack.enter_context(played(answer)), asked


def see_that_all_are_told(real: RealRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_list, "_ON_A_PAGE", 2)
    tags = ["1.4.2", "1.10.0", "latest", "v2", "V3"]
    for tag in tags:
        real.client.push("test/app", tag, image(tag))
    asking = client(f"http://{real.host}")
    assert sorted(tag for page in asking.tags("test/app") for tag in page) == sorted(tags)
    assert list(asking.tags("test/none")) == []


@needs_registry
def test_a_registry_tells_all_tags_of_a_repository_and_none_of_one_that_is_not_there(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_that_all_are_told(stack.enter_context(registry(tmp_path / "registry")), monkeypatch)


@pytest.mark.slow
def test_distribution_3_tells_all_tags_on_pages(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = str(distribution3(tmp_path / "bin"))
    see_that_all_are_told(stack.enter_context(registry(tmp_path / "registry", program=program)), monkeypatch)


@pytest.mark.slow
def test_zot_tells_all_tags_on_pages(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = str(zot(tmp_path / "bin"))
    see_that_all_are_told(
        stack.enter_context(registry(tmp_path / "registry", RealZot, program=program)), monkeypatch
    )


@needs_registry
def test_the_right_to_pull_is_enough_to_be_told_the_tags(stack: ExitStack, tmp_path: Path) -> None:
    tokens = stack.enter_context(token_server(tmp_path / "tokens"))
    tokens.denied.add("secret/app")
    with registry(tmp_path / "registry") as open_to_all:
        for repository in ("test/app", "secret/app"):
            open_to_all.client.push(repository, "1", image("1"))
    real = stack.enter_context(registry(tmp_path / "registry", auth=tokens.auth))
    asking = client(f"http://{real.host}", ACCOUNT)
    assert list(asking.tags("test/app")) == [("1",)]
    with pytest.raises(RepositoryUnavailable, match="does not let the user 'updater' pull secret/app"):
        list(asking.tags("secret/app"))


def test_pages_are_followed_by_the_query_that_a_link_names_and_never_to_another_server(
    stack: ExitStack,
) -> None:
    """Harbor's and Distribution's links have a path only; one behind a proxy may name itself as nobody else does."""
    elsewhere, hits = paging(stack, {"": (["9.9.9"], "")})
    url, asked = paging(
        stack,
        {
            "": (["1"], '</v2/test/app/tags/list?last=1&n=1000>; rel="next"'),
            "1": (["2"], f'<{elsewhere}/v2/test/app/tags/list?n=1000&last=2>; rel="next"'),
            "2": (["3"], '<?last=3>;rel=next, <http://prev.example.com/?last=0>; rel="prev"'),
            "3": (["4"], '<http://prev.example.com/?last=0>; rel="prev"'),
        },
    )
    assert listed(url) == ["1", "2", "3", "4"]
    assert [path.partition("?")[2] for path in asked] == [
        "n=1000",
        "last=1&n=1000",
        "n=1000&last=2",
        "last=3",
    ]
    assert hits == []


def test_each_page_is_asked_for_when_it_is_wanted(stack: ExitStack) -> None:
    url, asked = paging(stack, {"": (["1"], "<?last=1>; rel=next"), "1": (["2"], "")})
    pages = client(url).tags("test/app")
    assert asked == []
    assert next(pages) == ("1",)
    assert len(asked) == 1


def test_a_registry_that_pages_for_ever_is_asked_no_more(stack: ExitStack) -> None:
    url, _ = paging(stack, {"": ([], "<?last=1>; rel=next"), "1": ([], "<?last=1>; rel=next")})
    with pytest.raises(
        RepositoryUnavailable, match=r"tags of test/app in registry production .* without an end"
    ):
        listed(url)
    count = iter(range(10_000))
    endless = stack.enter_context(
        played(lambda *_: (200, {"Link": f"<?last={next(count)}>; rel=next"}, b'{"tags": []}'))
    )
    with pytest.raises(RepositoryUnavailable, match="without an end"):
        listed(endless)
    assert next(count) == 500


def test_of_a_list_that_is_too_long_nothing_is_told_but_that(stack: ExitStack) -> None:
    url, _ = paging(stack, {"": ([f"1.{minor}" for minor in range(10_001)], "")})
    with pytest.raises(RepositoryUnavailable, match=r"more than 10000: .* remove old tags"):
        listed(url)


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        (b'{"name": "test/app", "tags": null}', ()),
        (b'{"name": "test/app"}', ()),
        (b'{"tags": ["1", 2, null, "", "-x", "a b", "a\\n", "../..", "2"]}', ("1", "2")),
        (b'{"errors": []}', None),
        (b'{"tags": "1"}', None),
        (b'{"tags": {"1": 1}}', None),
        (b'["1"]', None),
        (b"<html>", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_of_a_page_all_counts_that_is_a_tag(body: bytes, tags: tuple[str, ...] | None) -> None:
    assert tags_in(body) == tags


@pytest.mark.parametrize(
    ("link", "query"),
    [
        ("", ""),
        ("<?last=1>", ""),
        ("<?last=1>; rel=prev", ""),
        ("<http://[bad/?last=1>; rel=next", ""),
        ("<?last=\x00>; rel=next", ""),
        ("<?last=é>; rel=next", ""),
        ("<?last=1#part>; rel=next", "last=1"),
        (f"<?last={'1' * 3000}>; rel=next", ""),
    ],
)
def test_of_a_link_only_a_query_that_can_be_one_counts(link: str, query: str) -> None:
    assert next_query(link) == query


@pytest.mark.parametrize("status", [200, 400, 405])
def test_an_answer_that_is_no_list_is_told(stack: ExitStack, status: int) -> None:
    url = stack.enter_context(played(lambda *_: (status, {}, b"<html>")))
    with pytest.raises(
        RepositoryUnavailable, match=f"tags of test/app in .* the answer is {status} and no list"
    ):
        listed(url)


def test_a_registry_that_cannot_be_asked_for_a_list_is_told_as_for_a_tag(stack: ExitStack) -> None:
    url = stack.enter_context(played(lambda *_: (429, {"Retry-After": "120"}, b"")))
    with pytest.raises(RegistryUnavailable, match="429") as busy:
        listed(url)
    assert busy.value.retry_after == timedelta(seconds=120)
