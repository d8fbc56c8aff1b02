"""The page of who is told of what, by which channels, and of the messages."""

from dataclasses import dataclass

from bottle import HTTPResponse

from registry_docker_updater.http.pages.asked import ROWS, older
from registry_docker_updater.http.pages.context import MESSAGES, Context, asked
from registry_docker_updater.http.pages.topics import TRAIL
from registry_docker_updater.views.messages import details_of, messages, receivers


@dataclass(frozen=True)
class MessagePage:
    """Shows receivers and messages."""

    context: Context

    def messages(self) -> HTTPResponse:
        """Show the receivers, and the messages, newest first."""
        query, storage = asked(), self.context.storage
        before = query.number("before")
        rows, pager = older(query, messages(storage, ROWS + 1, before), "id")
        rollouts = storage.notifications.rollouts_of([one["id"] for one in rows])
        return self.context.page(
            "messages",
            MESSAGES,
            None if before else TRAIL,
            unread=query.unread({"before": before}),
            receivers=receivers(storage, self.context.receivers()),
            rows=[
                {**one, "says": details_of(one), "rollouts": sorted(rollouts.get(one["id"], ()))}
                for one in rows
            ],
            pager=pager,
        )
