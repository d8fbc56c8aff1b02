"""The words that both sides use: kinds and keys of targets, outcomes, media types."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils import oci, outcomes, targets

SERVICE = {
    "kind": "service",
    "id": "s1",
    "name": "shop_web",
    "image": "r.example/a:1@sha256:b",
    "digests": [],
}
WEB = {"kind": "container", "id": "c1", "name": "web", "image": "r.example/a:1", "digests": ["b", "a"]}


def test_a_service_is_one_target_whoever_tells_of_it() -> None:
    assert targets.key_of(SERVICE, "one") == targets.key_of(SERVICE, "two") == "service/s1"


def test_a_container_is_another_target_on_each_host_and_the_same_when_it_was_recreated() -> None:
    assert targets.key_of(WEB, "one") == targets.key_of({**WEB, "id": "c2"}, "one") == "container/one/web"
    assert targets.key_of(WEB, "two") == "container/two/web"


def test_people_are_told_where_a_target_is() -> None:
    assert targets.place_of("service", "m1") == "swarm of m1"
    assert targets.place_of("container", "m1") == "host m1"


def test_what_is_skipped_is_named_by_key() -> None:
    assert targets.without_skipped([SERVICE, WEB], "one", ["service/s1", "container/two/web"]) == [WEB]
    assert targets.without_skipped([SERVICE, WEB], "two", ["service/s1", "container/two/web"]) == []
    assert targets.of_kind([SERVICE, WEB], "service") == [SERVICE]


def test_of_an_image_with_two_digests_the_same_one_is_told_each_time() -> None:
    assert targets.image_before(WEB) == {"image": "r.example/a:1", "digest": "a"}
    assert targets.image_before(SERVICE)["digest"] is None


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("updated", "good final succeeds"),
        ("unchanged", "good quiet final succeeds"),
        ("skipped", "good quiet final succeeds"),
        ("superseded", "good final"),
        ("rolled_back", "final"),
        ("rollback_failed", "final"),
        ("failed", ""),
        ("unreachable", ""),
        ("of another version", "final"),
        (None, "final"),
    ],
)
def test_what_follows_from_an_outcome(outcome: Any, expected: str) -> None:
    words = {
        "good": outcomes.is_good(outcome),
        "quiet": outcomes.is_quiet(outcome),
        "final": outcomes.is_final(outcome),
        "succeeds": outcomes.succeeds(outcome),
    }
    assert " ".join(word for word, holds in words.items() if holds) == expected


def test_people_are_told_first_what_is_not_good() -> None:
    shuffled = ["skipped", "updated", "failed", "unchanged", "superseded", "rolled_back"]
    expected = ["failed", "rolled_back", "updated", "superseded", "unchanged", "skipped"]
    assert sorted(shuffled, key=outcomes.rank) == expected


def test_images_are_told_from_what_else_a_registry_keeps() -> None:
    assert all(oci.is_image(one) and one in oci.ACCEPT for one in (*oci.MANIFESTS, *oci.INDEXES))
    assert not oci.is_image("application/vnd.oci.image.config.v1+json")
    assert not oci.is_image(None)
