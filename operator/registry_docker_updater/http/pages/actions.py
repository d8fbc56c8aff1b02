"""What people do on pages: each is shown first, with what it would mean, and done when they say so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bottle import HTTPResponse, request

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow, UpdaterError
from registry_docker_updater.http.answers import VISITOR
from registry_docker_updater.http.pages.asked import ROWS
from registry_docker_updater.http.pages.context import NOW, ROLLOUTS, Context, asked
from registry_docker_updater.http.pages.login import form, going_to
from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.silences import SilenceRow, silences

# For how long something can be silenced with a click, in hours.
_HOURS = {"1": "an hour", "4": "4 hours", "12": "12 hours", "24": "a day", "72": "3 days", "168": "a week"}
_STATUS = {NothingKnown: 404, NotNow: 409, NotAsked: 422}


class Done(Protocol):
    """Does what people ask for; everything raises :class:`~registry_docker_updater.errors.UpdaterError`."""

    def plan(self, image: str) -> list[JudgedRow]:
        """Return what a push would mean."""

    def if_retried(self, rollout: int) -> PushRow:
        """Return what it would mean to run a rollout again."""

    def push(self, image: str, who: Person, *, force: bool) -> PushRow:
        """Record a push."""

    def retry(self, rollout: int, who: Person, *, force: bool) -> PushRow:
        """Have a rollout run again."""

    def silence(self, what: str, until: datetime, reason: str, who: Person) -> SilenceRow:
        """Silence something that is known to be in trouble."""

    def end_silence(self, number: int, who: Person) -> SilenceRow:
        """End a silence."""


@dataclass(frozen=True)
class Action:
    """What a page shows of something that can be done: where it is asked for, and the values that are sent with it."""

    title: str
    path: str
    button: str
    is_grave: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ActionPages:
    """Shows what would be done, and has it ``done``; calls ``wake`` then."""

    context: Context
    done: Done
    wake: Callable[[], None]

    def show_retry(self, number: int) -> HTTPResponse:
        """Ask whether a rollout is to run again."""
        try:
            row = self.done.if_retried(number)
        except UpdaterError as error:
            return self._refused(error, ROLLOUTS)
        return self._confirm(
            ROLLOUTS,
            Action(f"Run rollout {number} again", f"/rollouts/{number}/retry", "Run it again now"),
            row["targets"],
            intro=f"{row['image']} to {row['digest']}, on the targets that failed or were left alone.",
        )

    def retry(self, number: int) -> HTTPResponse:
        """Have a rollout run again."""
        try:
            self.done.retry(number, _person(), force=bool(form().get("force")))
        except UpdaterError as error:
            return self._refused(error, ROLLOUTS)
        self.wake()
        return going_to(f"/rollouts/{number}")

    def show_push(self) -> HTTPResponse:
        """Ask for an image, and whether it is to be pushed by hand."""
        image = asked().text("image")
        if image is None:
            return self.context.page("push", NOW, image="")
        try:
            rows = self.done.plan(image)
        except UpdaterError as error:
            return self._refused(error, NOW)
        return self._confirm(
            NOW,
            Action("Push by hand", "/push", "Push it now", values={"image": image}),
            rows,
            intro=f"{image}, as if its registry had told of it just now.",
        )

    def push(self) -> HTTPResponse:
        """Record a push by hand."""
        given = form()
        try:
            row = self.done.push(given.get("image", ""), _person(), force=bool(given.get("force")))
        except UpdaterError as error:
            return self._refused(error, NOW)
        self.wake()
        rollout = row["rollout"]
        return going_to(f"/rollouts/{rollout['id']}" if rollout else f"/events/{row['push']}")

    def silences(self) -> HTTPResponse:
        """Show what is silenced, and ask what else is to be."""
        return self.context.page(
            "silences",
            NOW,
            rows=silences(self.context.storage, self.context.rendering.clock(), ROWS),
            what=asked().text("what") or "",
            hours=_HOURS,
        )

    def silence(self) -> HTTPResponse:
        """Silence something."""
        given = form()
        hours = given.get("hours", "")
        if hours not in _HOURS:
            return self.context.refused(422, "For how long is not said", NOW)
        until = self.context.rendering.clock() + timedelta(hours=int(hours))
        try:
            self.done.silence(given.get("what", "").strip(), until, given.get("reason", ""), _person())
        except UpdaterError as error:
            return self._refused(error, NOW)
        return going_to("/silences")

    def end_silence(self, number: int) -> HTTPResponse:
        """End a silence."""
        try:
            self.done.end_silence(number, _person())
        except UpdaterError as error:
            return self._refused(error, NOW)
        return going_to("/silences")

    def _confirm(self, section: str, action: Action, rows: Sequence[JudgedRow], intro: str) -> HTTPResponse:
        concerned = [one for one in rows if one["is_concerned"]]
        forced = [one for one in rows if one["can_be_forced"] and not one["is_concerned"]]
        values: dict[str, Any] = {"action": action, "intro": intro, "rows": rows}
        return self.context.page("act", section, concerned=len(concerned), forced=len(forced), **values)

    def _refused(self, error: UpdaterError, section: str) -> HTTPResponse:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 503)
        return self.context.refused(status, str(error), section)


def _person() -> Person:
    person: Person = request.environ[VISITOR].person
    return person
