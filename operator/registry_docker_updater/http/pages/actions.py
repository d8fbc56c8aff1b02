"""What people do on pages: each is shown first, with what it would mean, and done when they say so."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from bottle import HTTPResponse, request

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow, UpdaterError
from registry_docker_updater.http.once import ByHand, Once, UsedOtherwise
from registry_docker_updater.http.pages.addresses import address_of_target
from registry_docker_updater.http.pages.asked import ROWS, older
from registry_docker_updater.http.pages.context import NOW, ROLLOUTS, Context, asked
from registry_docker_updater.http.pages.login import form, going_to
from registry_docker_updater.views.pushes import JudgedRow
from registry_docker_updater.views.silences import silence, silence_of, silences

# For how long something can be silenced with a click, in hours.
_HOURS = {"1": "an hour", "4": "4 hours", "12": "12 hours", "24": "a day", "72": "3 days", "168": "a week"}
_CHANGED = (
    "What it means has changed since it was shown, or it was done already; look again before it is done"
)
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
class ActionPages:
    """Shows what would be done, and has it done ``once``, however often it is sent.

    What is done is what was shown: what is confirmed has the mark of that (``seen``), and is refused when it means something else by then.
    """

    context: Context
    once: Once

    def show_retry(self, number: int) -> HTTPResponse:
        """Ask whether a rollout is to run again."""
        try:
            row = self.once.by_hand.if_retried(number)
        except UpdaterError as error:
            return self._refused(error, ROLLOUTS)
        return self._confirm(
            ROLLOUTS,
            Action(
                f"Run rollout {number} again",
                f"/rollouts/{number}/retry",
                "Run it again now",
                address_of_target(asked().text("target") or "") or f"/rollouts/{number}",
            ),
            f"{row['image']} to {row['digest']}, on the targets that failed or were left alone.",
            row["targets"],
        )

    def retry(self, number: int) -> HTTPResponse:
        """Have a rollout run again."""

        def does(by_hand: ByHand, who: Person) -> str:
            by_hand.retry(number, who, force=bool(form().get("force")))
            return f"/rollouts/{number}"

        return self._once(ROLLOUTS, lambda by_hand: _mark(by_hand.if_retried(number)["targets"]), does)

    def show_push(self) -> HTTPResponse:
        """Ask for an image, and whether it is to be pushed by hand."""
        image = asked().text("image")
        if image is None:
            return self.context.page("push", NOW, image="")
        try:
            rows = self.once.by_hand.if_pushed(image)
        except UpdaterError as error:
            return self._refused(error, NOW)
        return self._confirm(
            NOW,
            Action("Push by hand", "/push", "Push it now", "/push", values={"image": image}),
            f"{image}, as if its registry had told of it just now.",
            rows,
        )

    def push(self) -> HTTPResponse:
        """Record a push by hand."""
        given = form()
        image = given.get("image", "")

        def does(by_hand: ByHand, who: Person) -> str:
            row = by_hand.push(image, who, force=bool(given.get("force")))
            return f"/rollouts/{row['rollout']['id']}" if row["rollout"] else f"/events/{row['push']}"

        return self._once(NOW, lambda by_hand: _mark(by_hand.if_pushed(image)), does)

    def silences(self) -> HTTPResponse:
        """Show what is silenced, those first that count, and ask what else is to be."""
        storage, now, query = self.context.storage, self.context.rendering.clock(), asked()
        before = query.number("before")
        found, pager = older(query, silences(storage, now, ROWS + 1, before), "id")
        counting = [] if before else [silence(one, now) for one in storage.silences.counting(now)[::-1]]
        return self.context.page(
            "silences",
            NOW,
            unread=query.unread({"before": before, "what": True}),
            rows=[*counting, *(one for one in found if not one["counts"])],
            pager=pager,
            what=query.text("what") or "",
            hours=_HOURS,
        )

    def show_silence(self) -> HTTPResponse:
        """Ask whether something is to be silenced."""
        query = asked()
        values = {name: query.text(name) or "" for name in ("what", "hours", "reason")}
        if values["hours"] not in _HOURS:
            return self.context.refused(422, "For how long is not said", NOW)
        try:
            subject, of = self._meant(self.once.by_hand, values)
        except UpdaterError as error:
            return self._refused(error, NOW)
        back = f"/silences?{urlencode({'what': values['what']})}"
        return self._confirm(
            NOW,
            Action("Silence a trouble", "/silences/new", "Silence it now", back, values=values),
            f"Nobody is called for {subject} {of} for {_HOURS[values['hours']]}: {values['reason']}",
            mark=f"{subject}:{of}",
        )

    def silence(self) -> HTTPResponse:
        """Silence something."""
        given = form()
        if given.get("hours") not in _HOURS:
            return self.context.refused(422, "For how long is not said", NOW)

        def does(by_hand: ByHand, who: Person) -> str:
            by_hand.silence(given.get("what", ""), self._until(given), given.get("reason", ""), who)
            return "/silences"

        return self._once(NOW, lambda by_hand: ":".join(self._meant(by_hand, given)), does)

    def show_end_silence(self, number: int) -> HTTPResponse:
        """Ask whether a silence is to end."""
        try:
            row = silence_of(self.context.storage, number, self.context.rendering.clock())
        except UpdaterError as error:
            return self._refused(error, NOW)
        return self._confirm(
            NOW,
            Action(f"End silence {number}", f"/silences/{number}/end", "End it now", "/silences"),
            f"{row['subject']} {row['of']} is heard of again; {row['actor']} silenced it: {row['reason']}",
            mark=str(number),
        )

    def end_silence(self, number: int) -> HTTPResponse:
        """End a silence."""

        def does(by_hand: ByHand, who: Person) -> str:
            by_hand.end_silence(number, who)
            return "/silences"

        return self._once(NOW, lambda _: str(number), does)

    def _meant(self, by_hand: ByHand, given: Mapping[str, str]) -> tuple[str, str]:
        return by_hand.if_silenced(given.get("what", ""), self._until(given), given.get("reason", ""))

    def _until(self, given: Mapping[str, str]) -> datetime:
        return self.context.rendering.clock() + timedelta(hours=int(given["hours"]))

    def _once(
        self, section: str, mark: Callable[[ByHand], str], does: Callable[[ByHand, Person], str]
    ) -> HTTPResponse:
        """Have something done that was confirmed, where it still has the ``mark`` that was seen; ``does`` returns where to go then."""
        given = form()
        key = given.get("once")
        if not key:
            return self.context.refused(409, _CHANGED, section, _shown_again(given))

        def does_what_was_seen(by_hand: ByHand, who: Person) -> str:
            if given.get("seen") != mark(by_hand):
                raise NotNow(_CHANGED)
            return does(by_hand, who)

        try:
            return going_to(self.once.answer(f"page {key}", given, does_what_was_seen))
        except UsedOtherwise:
            return self.context.refused(409, _CHANGED, section, _shown_again(given))
        except UpdaterError as error:
            return self._refused(error, section, _shown_again(given))

    def _confirm(
        self, section: str, action: Action, intro: str, rows: Sequence[JudgedRow] = (), mark: str = ""
    ) -> HTTPResponse:
        """Ask whether something is to be done that means this for targets (``rows``), those first that it is for."""
        concerned = [one for one in rows if one["is_concerned"]]
        forced = [one for one in rows if one["can_be_forced"] and not one["is_concerned"]]
        others = [one for one in rows if not one["is_concerned"] and not one["can_be_forced"]]
        values: dict[str, Any] = {
            "action": action,
            "intro": intro,
            "hidden": {**action.values, "seen": mark or _mark(rows), "once": secrets.token_urlsafe()},
            "is_of_targets": not mark,
            "rows": [*concerned, *forced, *others][:ROWS],
            "count": len(rows),
        }
        return self.context.page("act", section, concerned=len(concerned), forced=len(forced), **values)

    def _refused(self, error: UpdaterError, section: str, again: str | None = None) -> HTTPResponse:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 503)
        return self.context.refused(status, str(error), section, again)


def _shown_again(given: Mapping[str, str]) -> str:
    """Return the address where what was asked for is shown, with what it means by now."""
    asked_for = {name: value for name, value in given.items() if name not in _OF_FORM}
    return f"{request.path}?{urlencode(asked_for)}" if asked_for else request.path


def _mark(rows: Sequence[JudgedRow]) -> str:
    """Return what tells what something means for targets from all else that it could."""
    return _hash([[one["key"], one["is_concerned"], one["is_current"], one["can_be_forced"]] for one in rows])


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
