"""What the events of Gitea and Forgejo mean."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME
from registry_docker_updater.core.events.formats.gitea import FORMAT
from registry_docker_updater.core.events.pushes import Ignored, Malformed, UnresolvedPush
from registry_docker_updater.core.events.receiving import read
from unit.formats.samples import (
    APP,
    SECRET,
    assert_no_other_body_is_taken,
    assert_whatever_is_in_it_is_read_or_refused,
    changed,
    delivery,
    names,
    read_one,
    sample,
    signature,
    snippet,
    unreadable,
    unresolved,
    without,
)

IGNORED = {
    "gitea-package-created-no-tag": "manifest without a tag",
    "gitea-package-deleted": "deleted",
}
PUSH = sample("gitea-package-created-tag")
FORM = {"content-type": "application/x-www-form-urlencoded"}
SIGNED = {
    "x-gitea-signature": "",
    "x-forgejo-signature": "",
    "x-hub-signature-256": "sha256=",
}


@pytest.mark.parametrize("header", ["x-gitea-delivery", "x-forgejo-delivery"])
def test_a_pushed_tag_is_a_push_whose_digest_is_to_be_asked_for(header: str) -> None:
    assert unresolved(FORMAT, PUSH, {header: "72d3162e"}) == UnresolvedPush(
        registry="production",
        repository="team/app",
        tag="v1.4.2",
        occurred_at=UNKNOWN_TIME,
        key="72d3162e/team/app:v1.4.2",
        actor="alice",
    )


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_is_no_push_of_a_tag_is_ignored_for_a_reason(name: str, reason: str) -> None:
    assert read_one(FORMAT, sample(name)) == Ignored(reason)


def test_every_example_is_tested() -> None:
    assert names("gitea") == {"gitea-package-created-tag", *IGNORED}


@pytest.mark.parametrize("headers", [{}, {"x-gitea-delivery": ""}])
def test_a_delivery_without_an_id_is_never_a_duplicate(headers: dict[str, str]) -> None:
    assert unresolved(FORMAT, PUSH, headers).key == ""


def test_the_owner_of_an_image_is_in_lower_case_in_its_name() -> None:
    assert unresolved(FORMAT, changed(PUSH, "package", "owner", "login", to="Team")).repository == "team/app"


def test_a_form_is_read_as_the_json_in_it() -> None:
    body = b"payload=" + quote_plus(json.dumps(PUSH)).encode()
    assert FORMAT.read("production", Delivery(body, FORM)) == [unresolved(FORMAT, PUSH)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(PUSH, "action", to=7), "no action"),
        (changed(PUSH, "package", to=None), "not an event of a package"),
        (changed(PUSH, "package", "type", to="helm"), "not a container image"),
        (changed(PUSH, "package", "version", to=7), "manifest without a tag"),
        (
            changed(PUSH, "package", "version", to=APP.replace(":", "-") + ".sbom"),
            "signature or attestation",
        ),
    ],
)
def test_what_is_no_push_of_an_image_is_ignored(content: Any, reason: str) -> None:
    assert read_one(FORMAT, content) == Ignored(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (without(PUSH, "package", "owner"), "is not a repository name"),
        (without(PUSH, "package", "name"), "is not a repository name"),
        (changed(PUSH, "package", "version", to="v1 rm -rf"), "is not a tag"),
    ],
)
def test_a_push_that_makes_no_sense_is_unreadable_and_refused(content: Any, reason: str) -> None:
    assert unreadable(FORMAT, content).content == content
    with pytest.raises(Malformed, match=reason):
        read("production", FORMAT, delivery(content))


def test_the_host_in_an_event_is_not_believed() -> None:
    assert "gitea.example" not in repr(unresolved(FORMAT, PUSH))


@pytest.mark.parametrize("header", sorted(SIGNED))
@pytest.mark.parametrize(
    ("given", "secret", "is_known"),
    [
        (signature(b"body"), SECRET, True),
        (signature(b"another"), SECRET, False),
        (signature(b"body"), "its successor", False),
        (signature(b"body", "its successor"), "its successor", True),
        (signature(b"body", ""), "", False),
        ("", SECRET, False),
        ("", "", False),
    ],
)
def test_a_sender_proves_itself_by_the_signature_of_the_body(
    header: str, given: str, secret: str, is_known: bool
) -> None:
    headers = {**SIGNED, header: SIGNED[header] + given}
    assert FORMAT.proves(Delivery(b"body", headers), secret) is is_known
    assert not FORMAT.proves(Delivery(b"body"), secret)
    assert FORMAT.is_signed
    assert not FORMAT.is_resolved


def test_of_a_form_the_json_in_it_is_signed() -> None:
    content = json.dumps(PUSH).encode()
    body = b"payload=" + quote_plus(content).encode()
    assert FORMAT.proves(Delivery(body, {**FORM, "x-gitea-signature": signature(content)}), SECRET)
    assert not FORMAT.proves(Delivery(body, {**FORM, "x-gitea-signature": signature(body)}), SECRET)


def test_whatever_is_in_an_event_is_read_or_refused() -> None:
    assert_whatever_is_in_it_is_read_or_refused(FORMAT, "gitea-package-created-tag")
    assert_no_other_body_is_taken(FORMAT)


def test_what_gitea_is_told_is_json() -> None:
    shown = json.loads("".join(line for line in snippet(FORMAT).splitlines() if not line.startswith("#")))
    assert shown["events"] == ["package"]
    assert shown["config"]["secret"] == "SECRET"
