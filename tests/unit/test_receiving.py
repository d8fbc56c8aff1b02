"""Bodies of every kind: whatever is sent is read, or refused as malformed, and nothing else happens."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.events.pushes import Malformed, Push, Unreadable, UnresolvedPush
from registry_docker_updater.core.events.receiving import ReadDelivery, read

PAYLOADS = Path(__file__).parents[1] / "payloads"
DISTRIBUTION, HARBOR = FORMATS["distribution"], FORMATS["harbor"]
EXAMPLES = {
    name: json.loads((PAYLOADS / f"{name}.json").read_text())
    for name in (
        "distribution2-push-tag",
        "distribution2-batch-envelope",
        "harbor28-push-artifact",
        "harbor28-cloudevents-push-artifact",
    )
}
GARBAGE = {
    "nothing": b"",
    "no JSON": b"hello",
    "half of JSON": b'{"events": [',
    "two values": b"{}{}",
    "not UTF-8": b'{"events": "\xff\xfe"}',
    "NUL": b"\0\0\0\0",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of 10000 digits": b'{"events": ' + b"9" * 10_000 + b"}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b"NaN",
    "a list": b"[]",
    "null": b"null",
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_kept_of_a_sender_that_insists_and_refused_of_others(body: bytes) -> None:
    (one,) = read("production", DISTRIBUTION, Delivery(body)).kept
    assert isinstance(one, Unreadable)
    json.dumps(one.content).encode()
    with pytest.raises(Malformed):
        read("production", HARBOR, Delivery(body))


def test_the_body_that_is_kept_shows_the_bytes_that_are_no_text() -> None:
    (one,) = read("production", DISTRIBUTION, Delivery(b"caf\xe9")).kept
    assert isinstance(one, Unreadable)
    assert one.content == "caf\\xe9"


def test_an_envelope_may_hold_pushes_garbage_and_what_is_ignored_at_once() -> None:
    push = EXAMPLES["distribution2-push-tag"]["events"][0]
    body = json.dumps({"events": [push, "garbage", {"action": "pull", "target": {}}]}).encode()
    reading = read("production", DISTRIBUTION, Delivery(body))
    assert [type(one) for one in reading.kept] == [Push, Unreadable]
    assert reading.ignored == ("pull",)


def test_an_empty_envelope_holds_nothing() -> None:
    assert read("production", DISTRIBUTION, Delivery(b'{"events": []}')) == ReadDelivery((), ())


@pytest.mark.parametrize("where", ["event", "timestamp"])
def test_an_event_nested_deeply_is_kept_in_a_way_that_can_be_written_again(where: str) -> None:
    push = json.dumps(EXAMPLES["distribution2-push-tag"]["events"][0])
    for depth in (*range(1, 1000, 9), *range(850, 1000)):
        nested = "[" * depth + "]" * depth
        event = (
            nested if where == "event" else push.replace('"timestamp": "', f'"timestamp": {nested}, "x": "')
        )
        (one,) = read("production", DISTRIBUTION, Delivery(f'{{"events": [{event}]}}'.encode())).kept
        assert isinstance(one, Unreadable)
        json.dumps(one.content, indent=1)


def test_a_body_deeper_than_any_event_is_kept_as_the_text_it_was() -> None:
    body = '{"events": [' + "[" * 120 + "]" * 120 + "]}"
    (one,) = read("production", DISTRIBUTION, Delivery(body.encode())).kept
    assert one == Unreadable("the body is nested deeper than 100 levels", body)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_an_event_with_a_number_that_json_does_not_have_is_kept_as_the_text_it_was(number: str) -> None:
    body = f'{{"events": [{{"n": {number}}}]}}'
    (one,) = read("production", DISTRIBUTION, Delivery(body.encode())).kept
    assert isinstance(one, Unreadable)
    assert one.content == body
    assert number in one.reason


def test_what_is_shown_of_a_wrong_time_is_short() -> None:
    event = {**EXAMPLES["distribution2-push-tag"]["events"][0], "timestamp": "9" * 100_000}
    (one,) = read("production", DISTRIBUTION, Delivery(json.dumps({"events": [event]}).encode())).kept
    assert isinstance(one, Unreadable)
    assert len(one.reason) < 200


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a payload."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(path for key, one in inner for path in paths(one, (*before, key)))]


def with_(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(payload)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**40)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(
        (
            "",
            "\0",
            "\ud800",
            "x" * 5000,
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
            "-inf",
            "PUSH_ARTIFACT",
            "push",
        )
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def nothing_but_malformed(body: bytes) -> None:
    for sender in (DISTRIBUTION, HARBOR):
        try:
            reading = read("production", sender, Delivery(body))
        except Malformed as refused:
            assert not sender.insists
            str(refused).encode()
        else:
            for one in reading.kept:
                shown = one.reason if isinstance(one, Unreadable) else (one.actor or "") + one.key
                shown.encode()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_stands_at_any_place_of_a_payload_is_read_or_malformed(data: st.DataObject) -> None:
    payload = EXAMPLES[data.draw(st.sampled_from(sorted(EXAMPLES)))]
    for _ in range(data.draw(st.integers(1, 2))):
        payload = with_(payload, data.draw(st.sampled_from(paths(payload))), data.draw(_ANYTHING))
    nothing_but_malformed(json.dumps(payload).encode())


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | _ANYTHING.map(json.dumps).map(str.encode)
)
def test_whatever_bytes_are_sent_are_read_or_malformed(body: bytes) -> None:
    nothing_but_malformed(body)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_body_cut_or_changed_anywhere_is_read_or_malformed(data: st.DataObject) -> None:
    body = json.dumps(EXAMPLES[data.draw(st.sampled_from(sorted(EXAMPLES)))]).encode()
    place = data.draw(st.integers(0, len(body)))
    nothing_but_malformed(body[:place] + data.draw(st.binary(max_size=3)) + body[place + 1 :])
    nothing_but_malformed(body[:place])


def test_a_push_without_digest_of_a_registry_that_is_not_asked_cannot_be_read() -> None:
    sent = Delivery(b'{"repository": "team/app", "tag": "1"}')
    (one,) = read("production", FORMATS["generic"], sent).kept
    assert isinstance(one, UnresolvedPush)
    with pytest.raises(Malformed, match="sweep_interval is never"):
        read("production", FORMATS["generic"], sent, can_be_asked=False)
    insisting = replace(FORMATS["generic"], insists=True)
    (one,) = read("production", insisting, sent, can_be_asked=False).kept
    assert one == Unreadable(
        "no digest in it, and the registry is not asked: its sweep_interval is never", "team/app:1"
    )
    push = Delivery(json.dumps({"repository": "a", "tag": "1", "digest": f"sha256:{'a' * 64}"}).encode())
    (kept,) = read("production", FORMATS["generic"], push, can_be_asked=False).kept
    assert isinstance(kept, Push)


def test_a_signed_body_that_is_sent_again_deploys_nothing() -> None:
    """Whoever saw it can send it with another id beside it, long after a newer push."""
    body = (PAYLOADS / "github-package-published.json").read_bytes()
    first, again = (
        Delivery(body, {"x-github-event": "package", "x-github-delivery": number}) for number in "12"
    )
    github = FORMATS["github"]
    (asked,), (asked_first,) = (read("production", github, sent).kept for sent in (again, first))
    assert isinstance(asked, UnresolvedPush)
    assert isinstance(asked_first, UnresolvedPush)
    assert asked.key != asked_first.key
    (other,) = read("production", github, Delivery(body.replace(b"team", b"them"), again.headers)).kept
    assert isinstance(other, UnresolvedPush)
    assert other.key != asked.key, "nobody takes the place of a later delivery by its id"
    (repeated,) = read("production", github, again).kept
    assert repeated == asked
    (one,), (other,) = (read("production", github, sent, can_be_asked=False).kept for sent in (first, again))
    assert isinstance(one, Push)
    assert one == other
    jfrog = Delivery((PAYLOADS / "jfrog-docker-pushed.json").read_bytes())
    (unresolved,) = read("production", FORMATS["jfrog"], jfrog).kept
    assert isinstance(unresolved, UnresolvedPush)


def test_what_nobody_can_read_is_kept_without_the_tokens_in_it() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
    event = {"action": "push", "target": 7, "actor": {"name": "alice", "user": token, "more": [{"x": token}]}}
    for body in (
        json.dumps({"events": [event]}),
        json.dumps({"events": 7, "actor": token}),
        f"garbage {token}",
    ):
        (one,) = read("production", DISTRIBUTION, Delivery(body.encode())).kept
        assert isinstance(one, Unreadable)
        assert "eyJ" not in json.dumps(one.content)
        assert "(a token)" in json.dumps(one.content)


def test_an_action_that_no_registry_has_is_ignored_by_what_can_be_written_of_it() -> None:
    for action, reason in (("\ud800", "?"), ("x" * 1000, "x" * 512)):
        body = json.dumps({"events": [{"action": action, "target": {}}]}).encode()
        assert read("production", DISTRIBUTION, Delivery(body)) == ReadDelivery((), (reason,))


def test_what_is_to_be_verified_is_believed_of_its_tag_only() -> None:
    body = Delivery(json.dumps(EXAMPLES["distribution2-push-tag"]).encode())
    (asked,) = read("production", DISTRIBUTION, body, verify=True).kept
    assert isinstance(asked, UnresolvedPush)
    (believed,) = read("production", DISTRIBUTION, body).kept
    assert isinstance(believed, Push)
    assert (asked.repository, asked.tag, asked.key) == ("team/app", "v1", believed.key)
    assert (asked.claimed, asked.actor) == (believed.digest, believed.actor)
    (garbage,) = read("production", DISTRIBUTION, Delivery(b"x"), verify=True).kept
    assert isinstance(garbage, Unreadable)
