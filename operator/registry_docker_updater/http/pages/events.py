"""Pages of what came and what happened: events, one event, the trail, and the search for anything."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.core.audit.kinds import KINDS, PUSHES_MATCHED
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.http.pages.asked import ROWS, older, older_than
from registry_docker_updater.http.pages.context import EVENTS, TRAIL, Context, asked
from registry_docker_updater.http.pages.topics import TRAIL as EVERYTHING
from registry_docker_updater.storage.choices import EventChoice, RolloutChoice
from registry_docker_updater.storage.tables import PUSH, UNREADABLE, UNRESOLVED
from registry_docker_updater.views.events import event, events, ignored
from registry_docker_updater.views.fleet import HostChoice
from registry_docker_updater.views.outlook import VERDICTS, TargetChoice
from registry_docker_updater.views.rollouts import rollouts, rollouts_of_pushes, summary_of_push
from registry_docker_updater.views.trail import Choice, EntryRow, newest, of_event

_KINDS = (PUSH, UNRESOLVED, UNREADABLE)
# What the trail says of a target to which a push goes.
_PENDING = {str(one) for one in VERDICTS.values() if one.is_pending}
# How many of each kind a search shows.
_FOUND = 10


@dataclass(frozen=True)
class EventPages:
    """Shows events, the trail, and what is found by a search."""

    context: Context

    def events(self) -> HTTPResponse:
        """Show the events that are asked for, newest first."""
        query = asked()
        choice = EventChoice(
            text=query.text("text"),
            registry=query.text("registry"),
            repository=query.text("repository"),
            tag=query.text("tag"),
            digest=query.text("digest"),
            actor=query.text("actor"),
            since=query.moment("since"),
            until=query.moment("until"),
            kind=query.one_of("kind", _KINDS),
        )
        before = query.number("before")
        rows, pager = older(query, events(self.context.storage, ROWS + 1, before, choice), "id")
        return self.context.page(
            "events",
            EVENTS,
            None if before else EVERYTHING,
            asked=query,
            unread=query.unread({**vars(choice), "before": before}),
            rows=rows,
            rollouts={one["id"]: None for one in rows}
            | rollouts_of_pushes(self.context.storage, [one["id"] for one in rows]),
            pager=pager,
            kinds=_KINDS,
            registries=self.context.registries,
            ignored=ignored(self.context.storage),
        )

    def event(self, number: int) -> HTTPResponse:
        """Show one event."""
        storage = self.context.storage
        try:
            row = event(storage, number)
        except NothingKnown as error:
            return self.context.nothing(str(error), EVENTS)
        content, entries = row["content"], of_event(storage, number)
        return self.context.page(
            "event",
            EVENTS,
            EVERYTHING,
            row=row,
            content=content if isinstance(content, str) else json.dumps(content, indent=2) if content else "",
            rollout=summary_of_push(storage, number),
            is_judged=_is_judged(entries),
            story=entries,
        )

    def trail(self) -> HTTPResponse:
        """Show what happened, newest first."""
        query = asked()
        choice = Choice(
            since=query.moment("since"),
            until=query.moment("until"),
            image=query.text("image"),
            host=query.text("host"),
            person=query.text("person"),
            kind=query.one_of("kind", list(KINDS)),
        )
        before = query.number("before")
        rows, further = newest(self.context.storage, ROWS, before, choice)
        return self.context.page(
            "trail",
            TRAIL,
            None if before else EVERYTHING,
            asked=query,
            unread=query.unread({**vars(choice), "before": before}),
            rows=rows,
            pager=older_than(query, further),
            kinds=list(KINDS),
        )

    def search(self) -> HTTPResponse:
        """Show what has a text in it: targets, hosts, rollouts and events."""
        query = asked()
        text, since, until = query.text("text"), query.moment("since"), query.moment("until")
        wanted: dict[str, Any] = {"text": text, "since": since, "until": until}
        is_asked = any(wanted.values())
        storage, overview = self.context.storage, self.context.overview()
        orders = self.context.orders
        # Targets and hosts are of now, whatever time is asked for.
        found = orders.chosen(overview, TargetChoice(text=text), "place") if text else ()
        hosts = [one for one in overview.fleet.hosts.values() if HostChoice(text).has(one)] if text else []
        return self.context.page(
            "search",
            None,
            asked=query,
            unread=query.unread(wanted),
            text=text or "",
            searched=text or "",
            is_asked=is_asked,
            targets=orders.rows(overview, found[:_FOUND]),
            target_count=len(found),
            hosts=sorted(hosts, key=lambda one: one.name)[:_FOUND],
            host_count=len(hosts),
            rollouts=rollouts(storage, _FOUND, choice=RolloutChoice(**wanted)) if is_asked else (),
            events=events(storage, _FOUND, choice=EventChoice(**wanted)) if is_asked else (),
        )


def _is_judged(entries: Sequence[EntryRow]) -> bool:
    """Tell whether the trail says what a push means for targets, and that it goes to none of them."""
    said = [one["content"] for one in entries if one["kind"] == PUSHES_MATCHED]
    try:
        verdicts = {target["verdict"] for one in said if one for target in one["facts"].get("targets", ())}
    except (LookupError, TypeError, AttributeError):
        # Somebody changed it.
        return False
    return bool(said) and all(said) and not verdicts & _PENDING
