"""What people do on pages: pushes by hand, rollouts once more, and silences."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from bottle import HTTPResponse

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.once import ByHand
from registry_docker_updater.http.pages.acting import Acting, Action, mark_of
from registry_docker_updater.http.pages.addresses import address_of_target
from registry_docker_updater.http.pages.asked import ROWS, older
from registry_docker_updater.http.pages.context import NOW, ROLLOUTS, asked
from registry_docker_updater.http.pages.login import form
from registry_docker_updater.views.silences import silence, silence_of, silences

# For how long something can be silenced with a click, in hours.
_HOURS = {"1": "an hour", "4": "4 hours", "12": "12 hours", "24": "a day", "72": "3 days", "168": "a week"}


class ActionPages(Acting):
    """Asks for pushes by hand, for rollouts once more, and for silences, and has them done."""

    def show_retry(self, number: int) -> HTTPResponse:
        """Ask whether a rollout is to run again."""
        try:
            row = self.once.by_hand.if_retried(number)
        except UpdaterError as error:
            return self.refused(error, ROLLOUTS)
        return self.confirm(
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

        return self.do(ROLLOUTS, lambda by_hand: mark_of(by_hand.if_retried(number)["targets"]), does)

    def show_push(self) -> HTTPResponse:
        """Ask for an image, and whether it is to be pushed by hand."""
        image = asked().text("image")
        if image is None:
            return self.context.page("push", NOW, image="")
        try:
            rows = self.once.by_hand.if_pushed(image)
        except UpdaterError as error:
            return self.refused(error, NOW)
        return self.confirm(
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

        return self.do(NOW, lambda by_hand: mark_of(by_hand.if_pushed(image)), does)

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
            return self.refused(error, NOW)
        back = f"/silences?{urlencode({'what': values['what']})}"
        return self.confirm(
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

        return self.do(NOW, lambda by_hand: ":".join(self._meant(by_hand, given)), does)

    def show_end_silence(self, number: int) -> HTTPResponse:
        """Ask whether a silence is to end."""
        try:
            row = silence_of(self.context.storage, number, self.context.rendering.clock())
        except UpdaterError as error:
            return self.refused(error, NOW)
        return self.confirm(
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

        return self.do(NOW, lambda _: str(number), does)

    def _meant(self, by_hand: ByHand, given: Mapping[str, str]) -> tuple[str, str]:
        return by_hand.if_silenced(given.get("what", ""), self._until(given), given.get("reason", ""))

    def _until(self, given: Mapping[str, str]) -> datetime:
        return self.context.rendering.clock() + timedelta(hours=int(given["hours"]))
