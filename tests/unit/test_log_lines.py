"""The last lines of a log, as an engine sends them and as results tell them."""

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.log_lines import (
    LINES,
    LONGEST,
    bounded,
    last_lines,
)
from hypothesis import given
from hypothesis import strategies as st

OUT, ERR, ENGINE = 1, 2, 3


def frame(stream: int, piece: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(piece).to_bytes(4, "big") + piece


def framed(*pieces: tuple[int, bytes]) -> list[str]:
    return last_lines(b"".join(frame(*one) for one in pieces), is_framed=True)


def test_both_streams_are_told_in_the_order_in_which_their_lines_ended() -> None:
    assert framed((OUT, b"begins\n"), (ERR, b"cannot work\n"), (OUT, b"ends\n")) == [
        "begins",
        "cannot work",
        "ends",
    ]


def test_a_line_that_came_in_pieces_is_one_whatever_the_other_stream_says_between() -> None:
    assert framed((OUT, b"one "), (ERR, b"other\n"), (OUT, b"line\nlast"), (ERR, b"!")) == [
        "other",
        "one line",
        "last",
        "!",
    ]


def test_what_the_engine_itself_says_of_a_log_is_no_line_of_it() -> None:
    assert framed((ENGINE, b"Error grabbing logs: node is down\n"), (ERR, b"cannot work\n")) == [
        "cannot work"
    ]
    assert last_lines(b"Error grabbing logs: node is down\ncannot work\r\n", is_framed=False) == [
        "cannot work"
    ]


def test_what_was_cut_off_counts_as_far_as_it_came() -> None:
    whole = frame(OUT, b"first\n") + frame(ERR, b"cannot work\n")
    assert last_lines(whole[:-6], is_framed=True) == ["first", "cannot"]
    assert last_lines(whole[: -len(b"cannot work\n") - 3], is_framed=True) == ["first"]
    assert last_lines(b"", is_framed=True) == last_lines(b"", is_framed=False) == []


def test_of_a_container_with_a_terminal_lines_come_as_they_are() -> None:
    assert last_lines(b"\x1b[31mred\x1b[0m\r\n10 %\r100 %\r\n", is_framed=False) == ["red", "100 %"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert framed((OUT, b"caf\xc3\xa9 \xff\n")) == ["café \ufffd"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  at line\t7  ", "  at line    7"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("\x1b(Btext\x1bM", "text"),
        ("\x1b[2J\x1b[1;1Htext\x1b[", "text"),
        ("a\x00b\x07c\x9bd", "abcd"),
        ("evil\u202etxt.exe\u2028x", "eviltxt.exex"),
        ("half \ud800 pair", "half  pair"),
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * (LONGEST + 1), "x" * (LONGEST - 1) + "…"),
        ("{{ lookup('pipe', 'id') }}", "{{ lookup('pipe', 'id') }}"),
    ],
)
def test_a_line_is_told_without_what_commands_a_terminal_and_no_longer_than_may_be(
    line: str, shown: str
) -> None:
    assert bounded([line]) == [shown]


def test_the_last_lines_are_told_and_empty_ones_are_none() -> None:
    assert bounded([str(number) for number in range(30)] + ["", " \r", "\x1b[0m"]) == [
        str(number) for number in range(20, 30)
    ]


@pytest.mark.parametrize("said", [None, "text", {"a": "b"}, ["text", 5], [["text"]], 7])
def test_what_is_no_list_of_texts_is_no_log(said: object) -> None:
    assert bounded(said) == []


@given(st.lists(st.text()))
def test_what_was_bounded_stays_as_it_is(lines: list[str]) -> None:
    once = bounded(lines)
    assert bounded(once) == once
    assert len(once) <= LINES


@given(st.binary(), st.booleans())
def test_whatever_an_engine_answers_is_read(answer: bytes, is_framed: bool) -> None:
    assert all(0 < len(line) <= LONGEST for line in last_lines(answer, is_framed=is_framed))
