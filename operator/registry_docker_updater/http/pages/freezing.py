"""What is frozen, as pages show it, and freezing and thawing there."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from bottle import HTTPResponse

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import NotAsked, UpdaterError
from registry_docker_updater.http.once import ByHand
from registry_docker_updater.http.pages.acting import Acting, Action
from registry_docker_updater.http.pages.asked import ROWS, Asked, older
from registry_docker_updater.http.pages.context import NOW, asked
from registry_docker_updater.http.pages.login import form
from registry_docker_updater.views.freezes import called, freeze_of, freezes, frozen

_FIELDS = ("what", "until", "reason")


class FreezePages(Acting):
    """Shows freezes, and has things frozen and thawed."""

    def freezes(self) -> HTTPResponse:
        """Show what is frozen, that first which counts, and ask what else is to be."""
        storage, fleet = self.context.storage, self.context.known()
        now, query = self.context.rendering.clock(), asked()
        before = query.number("before")
        found, pager = older(query, freezes(storage, fleet, now, ROWS + 1, before), "id")
        counting = [] if before else frozen(storage, fleet, now)
        return self.context.page(
            "freezes",
            NOW,
            unread=query.unread({"before": before, "what": True}),
            rows=[*counting, *(one for one in found if not one["counts"])],
            pager=pager,
            what=query.text("what") or "everything",
        )

    def show_freeze(self) -> HTTPResponse:
        """Ask whether something is to be frozen."""
        query = asked()
        values = {name: query.text(name) or "" for name in _FIELDS}
        try:
            scope, of = self._meant(self.once.by_hand, values)
            until = _until(values)
        except UpdaterError as error:
            return self.refused(error, NOW)
        end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until somebody thaws it"
        return self.confirm(
            NOW,
            Action(
                "Freeze",
                "/freezes/new",
                "Freeze it now",
                f"/freezes?{urlencode({'what': values['what']})}",
                values=values,
            ),
            f"Nothing is updated of {called(scope, of, self.context.known())} {end}: {values['reason']}",
            mark=f"{scope}:{of}",
        )

    def freeze(self) -> HTTPResponse:
        """Freeze something."""
        given = form()

        def does(by_hand: ByHand, who: Person) -> str:
            by_hand.freeze(given.get("what", ""), _until(given), given.get("reason", ""), who)
            return "/freezes"

        return self.do(NOW, lambda by_hand: ":".join(self._meant(by_hand, given)), does)

    def show_thaw(self, number: int) -> HTTPResponse:
        """Ask whether a freeze is to end."""
        known, now = self.context.known(), self.context.rendering.clock()
        try:
            row = freeze_of(self.context.storage, known, number, now)
        except UpdaterError as error:
            return self.refused(error, NOW)
        return self.confirm(
            NOW,
            Action(f"Thaw freeze {number}", f"/freezes/{number}/end", "Thaw it now", "/freezes"),
            f"It is updated again, at once where something waits: {row['says']}",
            mark=str(number),
        )

    def thaw(self, number: int) -> HTTPResponse:
        """End a freeze."""

        def does(by_hand: ByHand, who: Person) -> str:
            by_hand.thaw(number, who)
            return "/freezes"

        return self.do(NOW, lambda _: str(number), does)

    @staticmethod
    def _meant(by_hand: ByHand, given: Mapping[str, str]) -> tuple[str, str]:
        return by_hand.if_frozen(given.get("what", ""), _until(given), given.get("reason", ""))


def _until(given: Mapping[str, str]) -> datetime | None:
    """Return until when something is to be frozen, in UTC where no zone is said; None where nothing is said."""
    if not given.get("until"):
        return None
    until = Asked("", given).moment("until")
    if until is None:
        raise NotAsked("until", f"{given['until']!r:.50} is no time such as 2026-12-01T06:00")
    return until
