"""How a sender proves that it knows a secret."""

from base64 import b64encode

import pytest

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.proofs import (
    any_of,
    in_header,
    in_path,
    knows_secret,
    signed,
)


def authorized(value: str) -> Delivery:
    return Delivery(b"", {"authorization": value})


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("value", "is_known"),
    [
        (basic("registry:s3cret"), True),
        (basic(":s3cret"), True),
        (basic("registry:s3cret").replace("Basic", "basic"), True),
        (basic("registry:s3cret:"), False),
        (basic("s3cret"), True),
        (basic("s3cret:"), False),
        (basic("registry:wrong"), False),
        (basic("registry:"), False),
        ("Basic s3cret", False),
        ("Basic czNjcmV", False),
        ("Basic", False),
        ("Digest s3cret", False),
    ],
)
def test_the_secret_may_be_the_password_of_basic(value: str, *, is_known: bool) -> None:
    assert knows_secret(authorized(value), "s3cret") is is_known


def test_a_secret_with_a_colon_may_be_user_and_password() -> None:
    assert knows_secret(authorized(basic("robot$updater:pässwörd")), "robot$updater:pässwörd")


@pytest.mark.parametrize("proof", [knows_secret, in_header("authorization"), in_path, signed("x-signature")])
@pytest.mark.parametrize("value", ["", "Bearer ", "Bearer", basic(":"), basic("")])
def test_nothing_proves_an_empty_secret(proof: object, value: str) -> None:
    empty = signed("x-signature")
    delivery = Delivery(b"x", {"authorization": value, "x-signature": value}, value)
    assert callable(proof)
    assert not proof(delivery, "")
    assert not any_of(knows_secret, empty)(delivery, "")
