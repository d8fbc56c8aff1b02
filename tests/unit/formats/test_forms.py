"""Reading the JSON in a form."""

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.forms import without_form

FORM = {"content-type": "application/x-www-form-urlencoded"}


@given(st.binary())
def test_what_was_put_into_a_form_comes_out_of_it(content: bytes) -> None:
    assert without_form(Delivery(b"payload=" + quote_plus(content).encode(), FORM)) == Delivery(content, FORM)


@given(st.binary())
def test_whatever_strangers_send_raises_nothing(content: bytes) -> None:
    assert isinstance(without_form(Delivery(b"payload=" + content, FORM)).body, bytes)


def test_only_the_field_with_the_json_counts() -> None:
    assert without_form(Delivery(b"payload=a+b%2Bc&other=d", FORM)).body == b"a b+c"


@pytest.mark.parametrize(
    "kind", ["Application/X-WWW-Form-URLencoded", f"{FORM['content-type']}; charset=utf-8"]
)
def test_a_form_is_known_in_any_case_and_with_a_charset(kind: str) -> None:
    assert without_form(Delivery(b"payload=%7B%7D", {"content-type": kind})).body == b"{}"


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(b"payload=%7B%7D"),
        Delivery(b"payload=%7B%7D", {"content-type": "application/json"}),
        Delivery(b"other=1", FORM),
        Delivery(b"", FORM),
    ],
)
def test_what_is_no_form_with_json_stays_as_it_is(delivery: Delivery) -> None:
    assert without_form(delivery) is delivery
