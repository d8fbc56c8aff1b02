"""Following tags: which fit, which is newer, and that nothing moves backwards, to another variant, or on a bad pattern."""

from contextlib import suppress
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.policy.following import newest, problem_of, read_follow, unparsable
from registry_docker_updater.core.policy.rules import BadRule, Following
from registry_docker_updater.core.references import is_tag

VERSIONS = (
    "1.3.9", "1.4.0", "1.4.2", "v1.5.0", "1.10.0", "2.0.0", "1.4", "1", "latest", "1.4.2-alpine", "1.5.0-alpine", "1.5.0-rc.1",
    "1.5.0-rc2", "1.5.0-rc10", "2.0.0-rc.1", "01.5.0", "1.5.0.1", "nightly", "1.6.0-rc.1-alpine", "1.6.0-1", "1.6.0-beta.2",
)  # fmt: skip
OTHERS = (
    "22.04-9", "22.04-10", "22.04-x", "22.04-", "2024.01.05", "2024.1.5", "2024.02.30", "2023.12.31", "20240105-0930", "build-9",
    "build-10", "build-", "build-010", "24.01.05", "0999.01.01",
)  # fmt: skip
FOLLOWS = (
    "semver ^1.4", "semver *", "semver ^1.4 prereleases", "semver ^1.4 suffix -alpine", "semver ^1.4 prereleases suffix -alpine",
    "glob *", "glob 22.04-*", "date %Y.%m.%d", "date %Y%m%d-%H%M", "date %y.%m.%d", r"regex build-(\d*)", r"regex (v)?(\d+)\..*",
    r"regex [0-9].*",
)  # fmt: skip
tag_texts = st.one_of(
    st.sampled_from(VERSIONS + OTHERS),
    st.from_regex(r"v?[0-9]{1,2}\.[0-9]{1,2}\.[0-9](-(alpine|rc\.?[0-9]{1,2}))?", fullmatch=True),
    st.from_regex(r"202[0-9]\.[01][0-9]\.[0-3][0-9]|build-[0-9]{1,3}|22\.04-[0-9a-z]{1,3}", fullmatch=True),
)


def fitting(text: str, tags: tuple[str, ...] = VERSIONS) -> set[str]:
    return {tag for tag in tags if read_follow(text).fits(tag)}


def moves(text: str, running: str, *tags: str) -> str | None:
    return newest((read_follow(text),), running, tags or VERSIONS)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("semver ^1.4", {"1.4.0", "1.4.2", "v1.5.0", "1.10.0"}),
        ("semver ~1.4.2", {"1.4.2"}),
        ("semver 1.x", {"1.3.9", "1.4.0", "1.4.2", "v1.5.0", "1.10.0"}),
        ("semver >= 1.4.1   <1.10", {"1.4.2", "v1.5.0"}),
        ("semver 1.4 || 2.0", {"1.4.0", "1.4.2", "2.0.0"}),
        ("semver 1.3 - 1.4", {"1.3.9", "1.4.0", "1.4.2"}),
        ("semver ^1.4 suffix -alpine", {"1.4.2-alpine", "1.5.0-alpine"}),
        (
            "semver ^1.5 prereleases",
            {"v1.5.0", "1.10.0", "1.5.0-rc.1", "1.5.0-rc2", "1.5.0-rc10", "1.6.0-beta.2"},
        ),
        ("semver ^1.6 prereleases suffix -alpine", {"1.6.0-rc.1-alpine"}),
        ("semver ^1.6 suffix -alpine prereleases", {"1.6.0-rc.1-alpine"}),
    ],
)
def test_versions_fit_their_range_with_exactly_the_suffix_and_pre_releases_only_if_asked_for(
    text: str, fits: set[str]
) -> None:
    """Of a tag that will name something else tomorrow, as `1.4` will, nobody says a version."""
    assert fitting(text) == fits


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("glob 22.04-*", {"22.04-9", "22.04-10", "22.04-x", "22.04-"}),
        ("glob 22.04-[0-9]?", {"22.04-10"}),
        ("date %Y.%m.%d", {"2024.01.05", "2023.12.31"}),
        ("date %y.%m.%d", {"24.01.05"}),
        ("date %Y%m%d-%H%M", {"20240105-0930"}),
        (r"regex build-(\d+)", {"build-9", "build-10", "build-010"}),
        ("regex build", set()),
    ],
)
def test_patterns_and_dates_fit_as_a_whole(text: str, fits: set[str]) -> None:
    assert fitting(text, OTHERS) == fits


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("semver * prereleases", "1.4.2 1.5.0-beta.2 1.5.0-rc1 1.5.0-rc.2 1.5.0-RC-10 v1.5.0 1.10.0"),
        ("glob *", "1.9 1.10 1.10-rc 1.10.1 22.04-9 22.04-10 latest"),
        ("date %Y%m%d-%H%M", "20231231-2359 20240101-0000 20240101-0001"),
        ("date %Y-%j", "2023-365 2024-001 2024-010"),
        (r"regex (\d+)\.(\d+)(-rc\d+)?", "1.9 1.9-rc1 1.10 2.0"),
        (r"regex (?:.*)-(\d+)", "z-1 a-2 b-10"),
        (r"regex [a-z]+-\d+", "a-9 a-10 b-1"),
    ],
)
def test_each_kind_has_its_order_in_which_numbers_count_as_such(text: str, order: str) -> None:
    follow, tags = read_follow(text), order.split()
    assert all(follow.is_newer(later, sooner) for sooner, later in combinations(tags, 2))
    assert not any(follow.is_newer(sooner, later) for sooner, later in combinations(tags, 2))


def test_a_target_moves_to_the_newest_that_fits_and_from_below_the_range_into_it() -> None:
    assert moves("semver ^1.4", "1.4.0") == "1.10.0"
    assert moves("semver ^1.4", "1.3.9") == "1.10.0"
    assert moves("semver ^1.4", "1.10.0") is None
    assert moves("semver ^1.4", "2.0.0") is None
    assert moves("date %Y.%m.%d", "2023.12.31", *OTHERS) == "2024.01.05"
    assert moves("glob 22.04-*", "22.04-9", *OTHERS) == "22.04-x"
    assert newest((), "1.4.0", VERSIONS) is None


def test_a_target_never_moves_to_another_variant_or_to_a_pre_release_unasked() -> None:
    assert moves("semver ^1.4", "1.4.2-alpine") is None
    assert moves("semver ^1.4 prereleases", "1.4.2-alpine") is None
    assert moves("semver ^1.4 suffix -alpine", "1.4.2-alpine") == "1.5.0-alpine"
    assert moves("semver ^1.4 suffix -alpine", "1.4.2") is None
    assert moves("semver ^1.4", "1.4.2", "1.5.0-rc.1", "1.6.0-1") is None
    assert moves("semver ^1.4 prereleases", "1.4.2", "1.5.0-rc.1", "1.6.0-alpine") == "1.5.0-rc.1"
    assert moves("semver ^1.4 prereleases", "1.5.0-rc.1", "1.5.0") == "1.5.0"


def test_one_version_under_two_tags_is_no_news_and_the_tag_is_written_as_before() -> None:
    assert moves("semver *", "v1.4.2", "1.4.2") is None
    assert moves(r"regex (\d+)-.*", "1-a", "1-b") is None
    for tags in (("1.5.0", "v1.5.0"), ("v1.5.0", "1.5.0")):
        assert moves("semver *", "v1.4.2", *tags) == "v1.5.0"
        assert moves("semver *", "1.4.2", *tags) == "1.5.0"


def test_of_several_that_a_target_follows_all_count_and_the_first_says_which_is_newer() -> None:
    follows = (read_follow("semver *"), read_follow("glob 1.*"))
    assert newest(follows, "1.4.2", ("1.9.0", "2.0.0", "1.10.0")) == "1.10.0"
    assert newest(follows[::-1], "1.4.2-alpine", ("1.9.0",)) is None
    assert newest(follows, "v1.4.2", ("1.9.0",)) is None


@pytest.mark.parametrize(
    ("text", "running", "said"),
    [
        ("semver ^1.4", "1.4.2-alpine", "compares with no other tag; `semver ^1.4 suffix -alpine` does:"),
        ("semver ^1.4", "1.4.2-rc.1", "; `semver ^1.4 prereleases` does:"),
        ("semver ^1.4", "1.4", "which is no whole version as `semver ^1.4` follows, such as 1.4.2:"),
        ("semver ^1.4 suffix -alpine", "1.4.2", "such as 1.4.2-alpine:"),
        ("date %Y.%m.%d", "latest", "which is no date as `date %Y.%m.%d` follows:"),
        ("glob 22.04-*", "latest", "which `glob 22.04-*` does not match:"),
        ("regex 1", "latest", "which `regex 1` does not match:"),
    ],
)
def test_a_running_tag_that_cannot_be_compared_is_said_to_be_that_with_the_remedy(
    text: str, running: str, said: str
) -> None:
    problem = problem_of([read_follow(text)], running)
    assert problem is not None
    assert problem.startswith(f"it runs {running}, which ")
    assert said in problem
    assert problem.endswith(": nobody can tell what is newer")


def test_a_running_tag_that_can_be_compared_is_no_problem_whether_or_not_it_fits() -> None:
    assert problem_of([read_follow("semver ^1.4")], "1.3.9") is None
    assert problem_of([read_follow("date %Y")], "2024") is None
    assert problem_of([read_follow("glob 1*"), read_follow("regex 1.")], "12") is None


def test_tags_that_look_as_if_they_were_meant_and_cannot_be_read_are_named() -> None:
    """Not variants, not what moves beside whole versions, and not what matches no pattern."""
    versions = (*VERSIONS, "3.1", "1.4-alpine", "1-alpine", "4-alpine", "v1.4")
    assert unparsable([read_follow("semver ^1.4")], versions) == ("01.5.0", "1.5.0.1", "3.1", "4-alpine")
    assert unparsable([read_follow("semver ^1.4 suffix -alpine")], versions) == ("4-alpine",)
    assert unparsable([read_follow("date %Y.%m.%d")], ("2024.01.05", "2024.02.30", "latest")) == (
        "2024.02.30",
    )
    assert unparsable([read_follow("date build-%Y")], ("build-24", "build-2024", "24")) == ("build-24",)
    patterns = [read_follow("glob 1*"), read_follow("regex 1")]
    assert unparsable(patterns, VERSIONS) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with `semver`"),
        ("latest", "and not with 'latest'"),
        ("Semver ^1", "and not with 'Semver'"),
        ("semver", "followed by a range"),
        ("semver prereleases", "followed by a range"),
        ("semver latest", "and not by 'latest'"),
        ("semver 1 - ?", "and not by '1 - ?'"),
        ("semver ^1.4-rc.1", "a range names releases"),
        ("semver ^1.4 suffix", "and not by '^1.4 suffix'"),
        ("semver ^1.4 suffix 1", "a suffix is like `suffix -alpine`, and not '1'"),
        ("glob", "one pattern"),
        ("glob 1 2", "one pattern"),
        ("date", "without its year"),
        ("date %m.%d", "without its year"),
        ("date %Y %b", "and not with '%b'"),
        ("date %Y.%", "and not with '%'"),
        ("date %Y.%d", "from the year to the last"),
        ("date %Y.%m.%Y", "each of its parts once"),
        ("date %Y %m", "no tag is like"),
        ("regex", "followed by an expression"),
        ("regex (", "missing )"),
        (r"regex (a)\1", "RE2 cannot read"),
        ("regex \ud800", "is no text"),
        ("glob " + "x" * 300, "305 characters"),
    ],
)
def test_what_nobody_can_read_is_said_with_what_would_mean_something(text: str, why: str) -> None:
    with pytest.raises(BadRule) as bad:
        read_follow(text)
    assert why in str(bad.value)
    assert len(str(bad.value)) < 500


def test_what_says_the_same_is_the_same() -> None:
    for text in FOLLOWS:
        assert read_follow(text) == read_follow(f" {text} ")
        assert hash(read_follow(text)) == hash(read_follow(text))
    assert len({read_follow(text) for text in FOLLOWS}) == len(FOLLOWS)


@given(st.sampled_from(FOLLOWS).map(read_follow), tag_texts, tag_texts, tag_texts)
def test_the_order_of_what_fits_is_strict(follow: Following, one: str, two: str, three: str) -> None:
    """Of two tags neither is newer only where they name one and the same; and that is so with a third, too."""
    newer = follow.is_newer
    assert not newer(one, one)
    assert not (newer(one, two) and newer(two, one))
    assert not (newer(one, two) and newer(two, three)) or newer(one, three)
    if all(map(follow.fits, (one, two, three))):
        same = not (newer(one, two) or newer(two, one))
        assert not same or newer(one, three) == newer(two, three)


@given(
    st.sampled_from(FOLLOWS), tag_texts, st.lists(tag_texts, max_size=12), st.randoms(use_true_random=False)
)
def test_whatever_the_order_of_tags_the_newest_is_one_and_following_ends(
    text: str, running: str, tags: list[str], chance: Random
) -> None:
    follows = (read_follow(text),)
    found = newest(follows, running, tags)
    chance.shuffle(tags)
    assert newest(follows, running, tags) == found
    if found is None:
        return
    assert found in tags
    assert follows[0].fits(found)
    assert follows[0].is_newer(found, running)
    assert not any(follows[0].fits(tag) and follows[0].is_newer(tag, found) for tag in tags)
    assert newest(follows, found, tags) is None
    assert problem_of(follows, found) is None


@given(
    st.sampled_from(["", "semver ", "glob ", "date ", "regex "]), st.text(max_size=40), st.text(max_size=40)
)
def test_no_text_makes_anything_but_a_sentence(kind: str, said: str, tag: str) -> None:
    with suppress(BadRule):
        follow = read_follow(kind + said)
        for one in (tag, said):
            assert newest((follow,), "1.4.2", [one, "1.5.0"]) in (None, one, "1.5.0")
            assert set(unparsable([follow], [one])) <= {one}
            assert tag in (problem_of([follow], tag) or tag)


@given(st.sampled_from(FOLLOWS).map(read_follow), st.text(max_size=40))
def test_what_is_no_tag_has_no_place(follow: Following, text: str) -> None:
    if not is_tag(text):
        assert not follow.fits(text)
        assert not follow.is_newer(text, "1.4.2")
        assert follow.why_incomparable(text)


def test_a_pattern_made_to_take_for_ever_takes_no_time() -> None:
    """It would not end before the test is given up."""
    assert not read_follow("regex (a+)+(a*)*(a|a)+(a*a*)*b").fits("a" * 128)
    assert not read_follow("glob " + "*a" * 40 + "b").fits("a" * 128)
    assert read_follow("semver >=" + "9" * 100).fits("9" * 120 + ".0.0")
