"""What people have done on pages: each is shown first, with what it would mean, and done when they say so."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse, request

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow, UpdaterError
from registry_docker_updater.http.once import ByHand, Once, UsedOtherwise
from registry_docker_updater.http.pages.asked import ROWS
from registry_docker_updater.http.pages.context import Context
from registry_docker_updater.http.pages.login import form, going_to
from registry_docker_updater.views.pushes import JudgedRow
from registry_docker_updater.views.text import HAS_CHANGED

# What a form sends beside what it is about.
_OF_FORM = ("seen", "once", "force")
_STATUS = {NothingKnown: 404, NotNow: 409, NotAsked: 422}


@dataclass(frozen=True)
class Action:
    """What a page shows of something that can be done: where it is asked for, and the values that are sent with it.

    ``back`` is where it was come from, for those who leave it.
    """

    title: str
    path: str
    button: str
    back: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Acting:
    """Shows what would be done, and has it done ``once``, however often it is sent.

    What is done is what was shown: what is confirmed has the mark of that (``seen``), and is refused when it means something else by then.
    """

    context: Context
    once: Once

    def do(
        self, section: str, mark: Callable[[ByHand], str] | None, does: Callable[[ByHand, Person], str]
    ) -> HTTPResponse:
        """Have something done that was confirmed, where it still has the ``mark`` that was seen; ``does`` returns where to go then.

        Without a ``mark``, ``does`` sees to that itself.
        """
        given = form()
        key = given.get("once")
        if not key:
            return self.context.refused(409, HAS_CHANGED, section, _shown_again(given))

        def does_what_was_seen(by_hand: ByHand, who: Person) -> str:
            if mark and given.get("seen") != mark(by_hand):
                raise NotNow(HAS_CHANGED)
            return does(by_hand, who)

        try:
            return going_to(self.once.answer(f"page {key}", given, does_what_was_seen))
        except UsedOtherwise:
            return self.context.refused(409, HAS_CHANGED, section, _shown_again(given))
        except UpdaterError as error:
            return self.refused(error, section, _shown_again(given))

    def confirm(
        self, section: str, action: Action, intro: str, rows: Sequence[JudgedRow] = (), mark: str = ""
    ) -> HTTPResponse:
        """Ask whether something is to be done that means this for targets (``rows``), those first that it is for."""
        concerned = [one for one in rows if one["is_concerned"] and not one["waits"]]
        later = [one for one in rows if one["waits"] or not one["is_concerned"]]
        forced = [one for one in later if one["can_be_forced"]]
        others = [one for one in later if not one["can_be_forced"]]
        values: dict[str, Any] = {
            "action": action,
            "intro": intro,
            "hidden": {**action.values, "seen": mark or mark_of(rows), "once": secrets.token_urlsafe()},
            "is_of_targets": not mark,
            "rows": [*concerned, *forced, *others][:ROWS],
            "count": len(rows),
            "waiting": sum(one["waits"] for one in rows),
        }
        return self.context.page("act", section, concerned=len(concerned), forced=len(forced), **values)

    def refused(self, error: UpdaterError, section: str, again: str | None = None) -> HTTPResponse:
        """Return the page that says why it is not done."""
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 503)
        return self.context.refused(status, str(error), section, again)


def _shown_again(given: Mapping[str, str]) -> str:
    """Return the address where what was asked for is shown, with what it means by now."""
    asked_for = {name: value for name, value in given.items() if name not in _OF_FORM}
    return f"{request.path}?{urlencode(asked_for)}" if asked_for else request.path


def mark_of(rows: Sequence[JudgedRow]) -> str:
    """Return what tells what something means for targets from all else that it could."""
    names = ("key", "is_concerned", "is_current", "waits", "can_be_forced", "breaks")
    return hash_of([[dict(one)[name] for name in names] for one in rows])


def hash_of(content: Any) -> str:
    """Return what tells content of JSON from all other."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
