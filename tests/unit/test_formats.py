"""What each payload of a registry means: the examples beside the tests, one by one."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats import FORMATS, snippet
from registry_docker_updater.core.events.formats.fields import fingerprint, moment, text
from registry_docker_updater.core.events.pushes import Ignored, Malformed, Push, Unreadable
from registry_docker_updater.core.events.receiving import ReadDelivery, read
from registry_docker_updater.core.references import InvalidReference

PAYLOADS = Path(__file__).parents[1] / "payloads"
APP = "sha256:0154d72cf363861a4c1435b3a6c9743f66283c89f39c9831f23a906d3a12a9bd"
MULTI = "sha256:4524748f9145d"
DEBIAN = "sha256:8a9e9863dbb6e"


def delivery(content: Any) -> Delivery:
    return Delivery(json.dumps(content).encode())


def format_of(name: str) -> str:
    return "harbor" if "harbor" in name else "distribution"


def reading(name: str, body: bytes) -> ReadDelivery:
    return read("production", FORMATS[format_of(name)], Delivery(body))


# File, repository, tag, start of the digest, actor, time: those that are a push.
PUSHES = [
    ("distribution2-batch-envelope", "team/multi", "v1", MULTI, None, "10:59:06.741095"),
    ("distribution2-push-index-tag", "team/multi", "v1", MULTI, None, "10:59:06.741095"),
    ("distribution2-push-second-tag-same-digest", "team/app", "v2", APP, None, "10:59:34.459341"),
    ("distribution2-push-tag-again", "team/app", "v1", APP, None, "10:59:33.179070"),
    ("distribution2-push-tag", "team/app", "v1", APP, None, "10:59:05.514908"),
    ("distribution3-push-tag", "team/app", "v1", APP, None, "10:59:05.514908"),
    ("harbor27-push-artifact", "team/app", "v1", APP, "admin", "11:24:46"),
    ("harbor28-push-artifact", "team/app", "v1", APP, "admin", "11:35:29"),
    ("harbor28-push-artifact-by-copy-api", "team/copied", "v2", APP, "admin", "11:35:51"),
    ("harbor28-cloudevents-push-artifact", "team/app", "v1", APP, "admin", "11:35:29"),
    ("harbor28-cloudevents-push-artifact-index-tag", "team/sub/multi", "v1", MULTI, "admin", "11:35:32"),
    (
        "harbor28-cloudevents-push-artifact-replication-in",
        "team/app",
        "v1",
        APP,
        "harbor-jobservice",
        "11:44:39",
    ),
    ("harbor-cloudevents-push-artifact", "test-webhook/debian", "latest", DEBIAN, "admin", None),
    ("harbor-push-artifact-nested-repo", "platform/team/sub/api", "1.4.2", DEBIAN, "robot$platform+ci", None),
]

# File and the reason: those that are understood and ask for nothing.
IGNORED = [
    ("distribution2-delete-digest", "delete"),
    ("distribution2-delete-tag", "delete"),
    ("distribution2-mount", "mount"),
    ("distribution2-pull-get-manifest", "pull"),
    ("distribution2-pull-head-blob", "pull"),
    ("distribution2-pull-head-manifest", "pull"),
    ("distribution2-push-blob", "not an image manifest"),
    ("distribution2-push-by-digest", "manifest without a tag"),
    ("distribution2-push-child-manifest-no-tag", "manifest without a tag"),
    ("distribution3-delete-digest", "delete"),
    ("distribution3-delete-repository", "delete"),
    ("distribution3-mount", "mount"),
    ("distribution3-pull-get-manifest", "pull"),
    ("distribution3-push-blob", "not an image manifest"),
    ("distribution3-push-child-manifest-no-tag", "manifest without a tag"),
    ("harbor-push-artifact-proxy-cache", "pull through a proxy cache"),
    ("harbor27-delete-artifact", "DELETE_ARTIFACT"),
    ("harbor27-pull-artifact", "PULL_ARTIFACT"),
    ("harbor27-push-artifact-no-tag", "artifact without a tag"),
    ("harbor28-cloudevents-delete-artifact", "harbor.artifact.deleted"),
    ("harbor28-cloudevents-pull-artifact", "harbor.artifact.pulled"),
    ("harbor28-cloudevents-push-artifact-no-tag", "artifact without a tag"),
    ("harbor28-cloudevents-replication-in-progress", "harbor.replication.status.changed"),
    ("harbor28-cloudevents-replication-success", "harbor.replication.status.changed"),
    ("harbor28-delete-artifact", "DELETE_ARTIFACT"),
    ("harbor28-pull-artifact", "PULL_ARTIFACT"),
    ("harbor28-push-artifact-no-tag", "artifact without a tag"),
    ("harbor28-push-artifact-proxy-cache", "pull through a proxy cache"),
    ("harbor28-replication-in-progress", "REPLICATION"),
    ("harbor28-replication-success", "REPLICATION"),
]


@pytest.mark.parametrize(("name", "repository", "tag", "digest", "actor", "time"), PUSHES)
def test_a_pushed_tag_is_a_push_of_exactly_that_digest(
    name: str, repository: str, tag: str, digest: str, actor: str | None, time: str | None
) -> None:
    (push,) = reading(name, (PAYLOADS / f"{name}.json").read_bytes()).kept
    assert isinstance(push, Push)
    assert (push.registry, push.repository, push.tag, push.actor) == ("production", repository, tag, actor)
    assert push.digest.startswith(digest)
    if time:
        assert push.occurred_at == datetime.fromisoformat(f"2026-11-22T{time}+00:00")


@pytest.mark.parametrize(("name", "reason"), IGNORED)
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(name: str, reason: str) -> None:
    assert reading(name, (PAYLOADS / f"{name}.json").read_bytes()) == ReadDelivery((), (reason,))


def test_every_example_is_in_one_of_the_tables() -> None:
    files = {path.stem for path in PAYLOADS.glob("*.json") if not path.stem.startswith("sequence-")}
    here = {row[0] for row in PUSHES} | {row[0] for row in IGNORED}
    others = "".join(path.read_text() for path in (Path(__file__).parent / "formats").glob("*.py"))
    assert here <= files
    assert [name for name in sorted(files - here) if f'"{name}"' not in others] == []


@pytest.mark.parametrize(
    ("name", "keys", "pushes"),
    [
        ("sequence-distribution2-multiarch-push", 1, {("team/multi", "v1")}),
        ("sequence-distribution2-retry", 2, {("team/app", "r1"), ("team/app", "r2")}),
        # Harbor sent each of these to two receivers, once as CloudEvents and once in its default format.
        ("sequence-harbor28-retry", 2, {("team/app", "retry")}),
        ("sequence-harbor28-replication-in", 4, {("team/app", "v1"), ("team/multi", "v1")}),
    ],
)
def test_of_a_series_of_requests_each_event_keeps_one_key(
    name: str, keys: int, pushes: set[tuple[str, str]]
) -> None:
    requests = json.loads((PAYLOADS / f"{name}.json").read_text())
    kept = [one for request in requests for one in reading(name, request["body"].encode()).kept]
    assert {(one.repository, one.tag) for one in kept if isinstance(one, Push)} == pushes
    assert len({one.key for one in kept if isinstance(one, Push)}) == keys


def distribution(**changed: Any) -> dict[str, Any]:
    event = json.loads((PAYLOADS / "distribution2-push-tag.json").read_text())["events"][0]
    target = {**event["target"], **changed.pop("target", {})}
    return {**event, "target": target, **changed}


def harbor(name: str = "harbor28-push-artifact", **changed: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return {**body, **changed}


def one_of_distribution(event: Any) -> Any:
    (one,) = FORMATS["distribution"].read("production", delivery({"events": [event]}))
    return one


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    ],
)
def test_every_kind_of_image_is_a_push(kind: str) -> None:
    assert isinstance(one_of_distribution(distribution(target={"mediaType": kind})), Push)


@pytest.mark.parametrize("tag", ["", None, APP, 7, ["v1"]])
def test_a_tag_that_is_missing_or_a_digest_names_nothing(tag: Any) -> None:
    assert one_of_distribution(distribution(target={"tag": tag})) == Ignored("manifest without a tag")
    body = harbor()
    body["event_data"]["resources"][0]["tag"] = tag
    assert FORMATS["harbor"].read("production", delivery(body)) == [Ignored("artifact without a tag")]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"target": {"digest": "sha256:0123456789abcdef0"}}, "is not a digest"),
        ({"target": {"digest": None}}, "is not a digest"),
        ({"target": {"repository": "Team/App"}}, "is not a repository name"),
        ({"target": {"repository": ["team/app"]}}, "is not a repository name"),
        ({"target": {"tag": "v1 rm -rf"}}, "is not a tag"),
        ({"target": {"tag": "{{ lookup('pipe', 'id') }}"}}, "is not a tag"),
        ({"target": {"tag": "t" * 600}}, "is not a tag"),
        ({"timestamp": "yesterday"}, "is not a time"),
        ({"timestamp": None}, "is not a time"),
        ({"timestamp": 7}, "is not a time"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "is not a time"),
        ({"timestamp": "9999-12-31T23:59:59-14:00"}, "is not a time"),
        ({"action": None}, "without action and target"),
    ],
)
def test_a_push_of_distribution_that_makes_no_sense_is_unreadable_and_kept(
    changed: dict[str, Any], named: str
) -> None:
    event = distribution(**changed)
    one = one_of_distribution(event)
    assert isinstance(one, Unreadable)
    assert named in one.reason
    assert one.content == event


@pytest.mark.parametrize("event", [None, 7, "push", [], {}, {"action": "push", "target": "team/app"}])
def test_an_event_of_distribution_that_is_none_is_unreadable_and_its_neighbours_count(event: Any) -> None:
    read_ = FORMATS["distribution"].read("production", delivery({"events": [event, distribution()]}))
    assert isinstance(read_[0], Unreadable)
    assert isinstance(read_[1], Push)


@pytest.mark.parametrize("body", [None, [], "events", 7, {}, {"events": None}, {"events": {}}])
def test_what_is_no_envelope_is_malformed(body: Any) -> None:
    with pytest.raises(Malformed, match="envelope"):
        FORMATS["distribution"].read("production", delivery(body))


@pytest.mark.parametrize("body", [None, [], "PUSH_ARTIFACT", 7, {}, {"type": None}, {"type": 7}])
def test_what_has_no_type_is_no_event_of_harbor(body: Any) -> None:
    with pytest.raises(Malformed, match="type"):
        FORMATS["harbor"].read("production", delivery(body))


@pytest.mark.parametrize(
    "changed",
    [
        {"occur_at": "2026-11-22"},
        {"occur_at": None},
        {"occur_at": float("nan")},
        {"occur_at": float("inf")},
        {"occur_at": 10**400},
        {"event_data": None},
        {"event_data": {"resources": {}, "repository": {}}},
        {"event_data": {"resources": [], "repository": []}},
        {"event_data": {"resources": [{"tag": "v1", "digest": APP}], "repository": {}}},
        {"event_data": {"resources": [{"tag": "v1"}], "repository": {"repo_full_name": "team/app"}}},
    ],
)
def test_a_push_of_harbor_that_makes_no_sense_is_refused(changed: dict[str, Any]) -> None:
    body = json.dumps(harbor(**changed)).encode()
    with pytest.raises(Malformed):
        read("production", FORMATS["harbor"], Delivery(body))


def test_a_cloud_event_without_a_time_is_refused() -> None:
    body = harbor("harbor28-cloudevents-push-artifact", time=None)
    with pytest.raises(Malformed, match="is not a time"):
        read("production", FORMATS["harbor"], Delivery(json.dumps(body).encode()))


def test_an_event_of_harbor_1_is_a_push_too() -> None:
    (push,) = FORMATS["harbor"].read("production", delivery(harbor(type="pushImage")))
    assert isinstance(push, Push)


def test_an_event_without_an_id_is_known_by_what_it_says() -> None:
    same = [FORMATS["harbor"].read("production", delivery(harbor()))[0] for _ in range(2)]
    later = FORMATS["harbor"].read("production", delivery(harbor(occur_at=1795347330)))[0]
    assert isinstance(same[0], Push)
    assert isinstance(later, Push)
    assert same[0] == same[1]
    assert later.key != same[0].key
    nameless = [one_of_distribution(distribution(id=None)), one_of_distribution(distribution(id=""))]
    assert nameless[0].key == nameless[1].key != one_of_distribution(distribution()).key


def test_what_a_payload_says_of_its_host_is_not_believed() -> None:
    event = distribution(request={"host": "evil.example.com"}, target={"url": "https://evil.example.com/v2/"})
    assert "evil" not in repr(one_of_distribution(event))


def test_a_moment_is_read_in_any_zone_and_with_nanoseconds() -> None:
    expected = datetime(2026, 11, 22, 10, 59, 5, 514908, UTC)
    assert moment("2026-11-22T10:59:05.51490849Z") == expected
    assert moment("2026-11-22T12:59:05.514908999+02:00") == expected
    assert moment("2026-11-22T10:59:05.514908") == expected
    assert moment("2026-11-22T10:59:05Z").tzinfo is UTC
    assert moment("2026-11-22T10:59:05-05:00") == datetime(
        2026, 11, 22, 10, 59, 5, tzinfo=timezone(timedelta(hours=-5))
    )


def test_text_is_text_bounded_and_can_be_encoded() -> None:
    assert text({"a": "x"}, "a") == "x"
    assert text({"a": "x" * 1000}, "a") == "x" * 512
    assert text({"a": "half \ud83d of one"}, "a") == "half ? of one"
    holder: Any
    for holder in ({"a": ""}, {"a": 7}, {"a": ["x"]}, {}, None, [], "a"):
        assert text(holder, "a") is None


def test_marks_that_run_into_one_another_make_different_keys() -> None:
    assert fingerprint("a", "bc") != fingerprint("ab", "c")


def test_a_push_cannot_be_made_of_what_is_no_name_or_digest() -> None:
    now = datetime.now(UTC)
    for repository, tag, digest in (("A", "1", APP), ("a", "1 2", APP), ("a", "1", "latest"), ("a", "", APP)):
        with pytest.raises(InvalidReference):
            Push("production", repository, tag, digest, now, "key")


@pytest.mark.parametrize(
    ("header", "is_known"),
    [
        ("s3cret", True),
        ("Bearer s3cret", True),
        ("bearer s3cret", False),
        ("Bearer  s3cret", False),
        ("S3cret", False),
        ("", False),
        ("\xff\xfe", False),
    ],
)
@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.proven_by == "Authorization"])
def test_a_sender_knows_the_secret_whole_alone_or_after_bearer(
    name: str, header: str, is_known: bool
) -> None:
    assert FORMATS[name].proves(Delivery(b"", {"authorization": header}), "s3cret") is is_known
    assert not FORMATS[name].proves(Delivery(b""), "s3cret")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_a_registry_must_be_told_has_its_address_as_json_and_no_secret(name: str) -> None:
    text = snippet(name, "production", "https://updater.example.com/")
    assert "https://updater.example.com/events/production" in text
    assert "SECRET" in text
    assert "{name}" not in text
