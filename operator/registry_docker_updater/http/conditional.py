"""Answers that are not sent again to who has them: an entity tag of each, and conditional requests (RFC 9110, 13)."""

import hashlib
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.http.answers import headers_of_request

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# Who asks may keep it, and asks whether it is still so before it is used; nobody between may keep it for others.
_KEPT = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


def or_not_modified(answers: Callable[..., HTTPResponse]) -> Callable[..., HTTPResponse]:
    """Return what ``answers``, each answer with its entity tag, and says 304 to who has the same already."""

    def answers_or_not(**given: Any) -> HTTPResponse:
        answer = answers(**given)
        if answer.status_code != HTTPStatus.OK:
            return answer
        tag = hashlib.sha256(answer.body.encode()).hexdigest()[:32]
        headers = {**_KEPT, "ETag": f'"{tag}"'}
        if is_listed(tag, headers_of_request().get("if-none-match", "")):
            return HTTPResponse("", HTTPStatus.NOT_MODIFIED, headers)
        for name, value in headers.items():
            answer.set_header(name, value)
        return answer

    return answers_or_not


def is_listed(tag: str, header: str) -> bool:
    """Tell whether a header ``If-None-Match`` names the entity ``tag``: by weak comparison, as it is to be here.

    What is no such header is of nothing.
    """
    # One after the other: an expression for the whole list would take for ever to say that some are none.
    named = [one.strip(" \t") for one in header.split(",")]
    if named == ["*"]:
        return True
    return all(not one or _TAG.fullmatch(one) for one in named) and f'"{tag}"' in {
        one.removeprefix("W/") for one in named
    }
