"""Which claims are believed though nobody can say whether they are so, and when."""

from registry_docker_updater.core.events.newest import SETTLE
from registry_docker_updater.core.events.pushes import Claim
from registry_docker_updater.core.schedules.claims import OpenClaims
from registry_docker_updater.core.schedules.polls import Tag
from unit.builders import NEW, at

WEB, API, OTHER = Tag("test/web", "1"), Tag("test/api", "1"), Tag("test/web", "2")


def claim(tag: Tag = WEB, digest: str | None = NEW, event: int = 1) -> Claim:
    return Claim(event, "production", tag.repository, tag.tag, digest, at(0), at(0), None)


def tags(claims: OpenClaims) -> list[Tag]:
    return [tag for tag, _, _ in claims.believable()]


def test_nothing_is_believed_before_it_was_asked_in_vain() -> None:
    claims = OpenClaims().opened({WEB: claim()}, at(0))
    assert tags(claims) == []
    assert tags(claims.unanswered([WEB], at(0), at(1))) == [WEB]


def test_a_question_from_before_says_nothing_of_it() -> None:
    claims = OpenClaims().opened({WEB: claim()}, at(10))
    assert tags(claims.unanswered([WEB], at(9), at(11))) == []


def test_of_a_repository_of_which_the_registry_told_before_it_is_given_time() -> None:
    claims = OpenClaims().resolved(OTHER, at(-9)).opened({WEB: claim(), API: claim(API)}, at(0))
    soon = claims.unanswered([WEB, API], at(0), at(59))
    assert tags(soon) == [API]
    assert tags(soon.unanswered([WEB], at(60), at(0) + SETTLE)) == [WEB, API]


def test_what_was_open_before_anything_was_asked_is_given_time_too() -> None:
    """It may have been contradicted then."""
    claims = OpenClaims().opened({WEB: claim(event=7)}, at(0), last_old=7)
    assert tags(claims.unanswered([WEB], at(0), at(10))) == []
    assert tags(claims.unanswered([WEB], at(0), at(61))) == [WEB]


def test_the_registry_that_tells_again_is_to_be_relied_upon() -> None:
    claims = OpenClaims().opened({WEB: claim()}, at(0)).unanswered([WEB], at(0), at(1))
    assert tags(claims.resolved(WEB, at(2))) == []
    assert tags(claims.resolved(API, at(2))) == [WEB]


def test_one_question_in_vain_weighs_no_more_than_answers_before_it() -> None:
    claims = OpenClaims().opened({WEB: claim()}, at(0)).resolved(WEB, at(60))
    assert tags(claims.unanswered([WEB], at(66), at(67))) == []
    assert tags(claims.unanswered([WEB], at(66), at(121))) == [WEB]


def test_a_claim_that_is_open_is_not_opened_again_by_an_older_event_of_its_tag() -> None:
    claims = OpenClaims().opened({WEB: claim(event=7)}, at(0), last_old=7)
    assert claims.opened({WEB: claim(event=7)}, at(30)) == claims


def test_what_came_after_the_start_is_new_though_its_tag_is_seen_later() -> None:
    claims = OpenClaims().opened({WEB: claim(event=8)}, at(0), last_old=7)
    assert tags(claims.unanswered([WEB], at(0), at(1))) == [WEB]


def test_an_answer_ends_that_its_repository_was_given_up() -> None:
    claims = (
        OpenClaims().resolved(WEB, at(-9)).opened({WEB: claim()}, at(0)).believed(WEB).resolved(OTHER, at(5))
    )
    claims = claims.opened({WEB: claim(event=2)}, at(10)).unanswered([WEB], at(10), at(11))
    assert tags(claims) == []


def test_one_claim_after_the_other_does_not_prolong_the_waiting() -> None:
    claims = OpenClaims().resolved(WEB, at(-9))
    for seconds in range(0, 90, 30):
        claims = claims.opened({WEB: claim(event=seconds)}, at(seconds))
    claims = claims.unanswered([WEB], at(60), at(61))
    ((tag, known, digest),) = claims.believable()
    assert (tag, known.event, digest) == (WEB, 60, NEW)


def test_after_one_was_believed_the_next_of_its_repository_need_not_wait() -> None:
    claims = OpenClaims().resolved(WEB, at(-9)).opened({WEB: claim()}, at(0)).believed(WEB)
    assert claims.get(WEB) is None
    assert tags(claims.opened({WEB: claim()}, at(99)).unanswered([WEB], at(99), at(100))) == [WEB]


def test_what_names_no_digest_cannot_be_believed() -> None:
    claims = OpenClaims().opened({WEB: claim(digest=None)}, at(0)).unanswered([WEB], at(0), at(900))
    assert tags(claims) == []


def test_what_nobody_runs_any_more_is_forgotten() -> None:
    claims = OpenClaims().opened({WEB: claim(), API: claim(API)}, at(0))
    assert set(claims.of([API]).claims) == {API}
    assert set(claims.closed(API).claims) == {WEB}
