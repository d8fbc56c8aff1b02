"""Image references: the grammar, Docker Hub's short names, and what counts as the same name."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_docker_updater.core.references import (
    InvalidReference,
    Reference,
    check_digest,
    check_host,
    is_digest,
    is_tag,
)
from unit.builders import NEW, OLD

SHA512 = "sha512:" + "0" * 128


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", "latest", None),
        ("nginx:1.27", "docker.io", "library/nginx", "1.27", None),
        ("docker.io/nginx", "docker.io", "library/nginx", "latest", None),
        ("docker.io/library/nginx", "docker.io", "library/nginx", "latest", None),
        ("index.docker.io/nginx", "docker.io", "library/nginx", "latest", None),
        ("Docker.IO/nginx", "docker.io", "library/nginx", "latest", None),
        ("grafana/loki:3", "docker.io", "grafana/loki", "3", None),
        ("localhost/app", "localhost", "app", "latest", None),
        ("localhost:5000/app", "localhost:5000", "app", "latest", None),
        ("registry:5000/app:1", "registry:5000", "app", "1", None),
        ("registry/app:1", "docker.io", "registry/app", "1", None),
        ("Registry/app:1", "Registry", "app", "1", None),
        ("registry.example.com/a/b/c:v1.2-rc_3", "registry.example.com", "a/b/c", "v1.2-rc_3", None),
        ("127.0.0.1:5000/app:5000", "127.0.0.1:5000", "app", "5000", None),
        ("[2001:db8::1]:5000/team/app", "[2001:db8::1]:5000", "team/app", "latest", None),
        (f"r.example.com/app:1@{OLD}", "r.example.com", "app", "1", OLD),
        (f"r.example.com/app@{OLD}", "r.example.com", "app", None, OLD),
        (f"app@{SHA512}", "docker.io", "library/app", None, SHA512),
        ("r.example.com/a__b--c.d/e", "r.example.com", "a__b--c.d/e", "latest", None),
    ],
)
def test_a_name_is_read_as_a_docker_engine_reads_it(
    text: str, host: str, repository: str, tag: str | None, digest: str | None
) -> None:
    assert Reference.parse(text) == Reference(host, repository, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "/app",
        "app:",
        "app@",
        "App",
        "team/App",
        "team//app",
        "team/app/",
        "-app",
        "app_",
        "a___b",
        "app:-1",
        "app:" + "t" * 129,
        "app:1:2",
        "app:tag/path",
        "https://r.example.com/app",
        "r.example.com:port/app",
        "r.example.com:123456/app",
        "-r.example.com/app",
        "r..example.com/app",
        "app@sha256:abc",
        "app@" + OLD.upper(),
        "app@md5:" + "0" * 32,
        f"app@{OLD}@{OLD}",
        "app 1",
        "app\n",
        "app:1\n",
        "app:1\0",
        "{{ app }}",
        "$(app)",
        "\u0430pp",
        "r.example.com/" + "a" * 256,
    ],
)
def test_what_is_no_image_name_is_refused_and_shown(text: str) -> None:
    with pytest.raises(InvalidReference) as refused:
        Reference.parse(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("text", [OLD, OLD.removeprefix("sha256:")])
def test_an_image_id_names_no_repository(text: str) -> None:
    with pytest.raises(InvalidReference, match="is an image id"):
        Reference.parse(text)


def test_a_name_without_tag_and_digest_cannot_be_made() -> None:
    with pytest.raises(InvalidReference, match="neither a tag nor a digest"):
        Reference("r.example.com", "app", None)
    with pytest.raises(InvalidReference):
        Reference.parse(f"app@{OLD}").without_digest()


@pytest.mark.parametrize(
    ("name", "pushed", "aliases", "same"),
    [
        ("r.example.com/test/app:1", "r.example.com/test/app:1", (), True),
        ("R.example.COM/test/app:1", "r.example.com/test/app:1", (), True),
        ("r.internal:5000/test/app:1", "r.example.com/test/app:1", ("r.internal:5000",), True),
        ("R.INTERNAL:5000/test/app:1", "r.example.com/test/app:1", ("r.internal:5000",), True),
        (f"r.example.com/test/app:1@{OLD}", f"r.example.com/test/app:1@{NEW}", (), True),
        ("r.example.com/test/app", "r.example.com/test/app:latest", (), True),
        ("nginx", "docker.io/library/nginx:latest", (), True),
        ("r.internal:5000/test/app:1", "r.example.com/test/app:1", (), False),
        ("r.example.com:5000/test/app:1", "r.example.com/test/app:1", (), False),
        ("other.example.com/test/app:1", "r.example.com/test/app:1", (), False),
        ("test/app:1", "r.example.com/test/app:1", (), False),
        ("r.example.com/x/test/app:1", "r.example.com/test/app:1", (), False),
        ("r.example.com/test/app:1", "r.example.com/x/test/app:1", (), False),
        ("r.example.com/test/app/x:1", "r.example.com/test/app:1", (), False),
        ("r.example.com/test/app2:1", "r.example.com/test/app:1", (), False),
        ("r.example.com/app:1", "r.example.com/test/app:1", (), False),
        ("r.example.com/prod/app:1", "r.example.com/test/app:1", (), False),
        ("r.example.com/test/app:1.0", "r.example.com/test/app:1", (), False),
        ("r.example.com/test/app:V1", "r.example.com/test/app:v1", (), False),
        (f"r.example.com/test/app@{OLD}", "r.example.com/test/app:latest", (), False),
        (f"r.example.com/test/app@{OLD}", f"r.example.com/test/app@{OLD}", (), False),
    ],
)
def test_two_names_are_the_same_only_as_a_whole(
    name: str, pushed: str, aliases: tuple[str, ...], same: bool
) -> None:
    assert Reference.parse(name).names_same_tag_as(Reference.parse(pushed), aliases) is same


def test_a_pinned_name_is_unpinned_without_losing_a_part_and_must_have_a_tag() -> None:
    name = Reference.parse("r.example.com:5000/test/app:1")
    assert Reference.parse(f"r.example.com:5000/test/app:1@{NEW}").without_digest() == name
    with pytest.raises(InvalidReference):
        Reference.parse(f"test/app@{NEW}").without_digest()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("docker.io/library/nginx", "nginx:latest"),
        ("docker.io/grafana/loki:3", "grafana/loki:3"),
        ("docker.io/library/a/b:3", "library/a/b:3"),
        (f"nginx@{OLD}", f"nginx@{OLD}"),
        ("r.example.com/library/nginx", "r.example.com/library/nginx:latest"),
    ],
)
def test_a_name_is_shown_as_engines_show_it(text: str, shown: str) -> None:
    assert str(Reference.parse(text)) == shown


@pytest.mark.parametrize("host", ["r", "r.example.com", "r:5000", "127.0.0.1:1", "[::1]:5000", "A-b.c"])
def test_a_host_is_a_name_and_perhaps_a_port(host: str) -> None:
    assert check_host(host) == host


@pytest.mark.parametrize(
    "host", ["", "https://r", "r/path", "r:", "r:x", "r ", "r\n", "r.", ".r", "user@r", None, 5000]
)
def test_anything_else_is_no_host(host: object) -> None:
    with pytest.raises(InvalidReference):
        check_host(host)


@pytest.mark.parametrize("text", ["latest", "", OLD + "0", OLD + "\n", OLD[:-1], OLD.upper(), None, 7, b"x"])
def test_only_a_whole_digest_is_one(text: object) -> None:
    assert is_digest(OLD)
    assert is_digest(SHA512)
    assert not is_digest(text)
    with pytest.raises(InvalidReference, match="is not a digest"):
        check_digest(text)


_WORD = st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True)
_PART = st.builds(
    lambda a, mark, b: a + mark + b, _WORD, st.sampled_from((".", "_", "__", "-", "---")), _WORD
)
_PATH = st.lists(_WORD | _PART, min_size=1, max_size=4).map("/".join)
_TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
_HOST = st.from_regex(
    r"(([A-Za-z0-9]{1,8}\.){1,3}[a-z]{2,5}|localhost)(:[0-9]{1,5})?|[a-z]{1,9}:[0-9]{1,5}|\[[0-9a-f:]{3,9}\]:5000",
    fullmatch=True,
).filter(lambda host: host.lower() not in ("docker.io", "index.docker.io"))
_DIGEST = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(_HOST, _PATH, _TAG, st.none() | _DIGEST)
def test_every_name_that_can_be_made_is_read_back_the_same(
    host: str, path: str, tag: str, digest: str | None
) -> None:
    made = Reference(host, path, tag, digest)
    assert Reference.parse(str(made)) == made
    assert made.names_same_tag_as(replace(made, host=host.upper()))
    assert not made.names_same_tag_as(replace(made, host="other.example"))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40) | st.builds("{}/{}:{}".format, _HOST | _WORD, _PATH, _TAG) | _PATH)
def test_whatever_is_read_is_shown_so_that_it_means_the_same(text: str) -> None:
    try:
        read = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(str(read)) == read


@settings(max_examples=60, deadline=None)
@given(_HOST, _PATH, _WORD, _TAG)
def test_a_path_in_front_or_behind_makes_another_name(host: str, path: str, more: str, tag: str) -> None:
    pushed = Reference(host, path, tag)
    assert not Reference(host, f"{more}/{path}", tag).names_same_tag_as(pushed)
    assert not Reference(host, f"{path}/{more}", tag).names_same_tag_as(pushed)
    assert not Reference(host, path + more, tag).names_same_tag_as(pushed)
    assert not Reference(host, path, tag + more).names_same_tag_as(pushed)


def test_a_tag_is_what_registries_take_for_one() -> None:
    assert all(is_tag(text) for text in ("1.4.2", "latest", "_", "A" * 128, "1-alpine_x"))
    assert not any(is_tag(text) for text in ("", ".1", "-1", "A" * 129, "1+2", "1\n", "é", None, 1))
