"""Pages of the fleet: targets and hosts, and one of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.http.pages import topics
from registry_docker_updater.http.pages.asked import ROWS, Asked, paged
from registry_docker_updater.http.pages.context import FLEET, Context, asked
from registry_docker_updater.views.fleet import HostChoice, host_rows
from registry_docker_updater.views.orders import SORTS
from registry_docker_updater.views.outlook import VERDICTS, TargetChoice, behind_by_verdict, outlook
from registry_docker_updater.views.swarms import swarms
from registry_docker_updater.views.why import why

_PAST = 20
_HOST_SORTS = ("name", "asked")


@dataclass(frozen=True)
class FleetPages:
    """Shows targets and hosts."""

    context: Context

    def targets(self) -> HTTPResponse:
        """Show the targets that are asked for."""
        query, overview = asked(), self.context.overview()
        sort, is_descending = _order(query, SORTS, "place")
        choice = TargetChoice(
            text=query.text("text"),
            host=query.text("host"),
            image=query.text("image"),
            kind=query.one_of("kind", list(Kind)),
            verdict=query.one_of("verdict", list(VERDICTS)),
            is_behind=True if query.one_of("behind", ("yes",)) else None,
        )
        shown, pager = paged(
            query, self.context.orders.chosen(overview, choice, sort, is_descending=is_descending)
        )
        understood = {
            **vars(choice),
            "behind": choice.is_behind,
            **_ordered(query, SORTS),
        }
        return self.context.page(
            "targets",
            FLEET,
            topics.FLEET,
            asked=query,
            unread=query.unread(understood),
            rows=self.context.orders.rows(overview, shown),
            pager=pager,
            sort=sort,
            descending=is_descending,
            sorts=SORTS,
            kinds=list(Kind),
            verdicts=list(VERDICTS),
            overview=_figures(overview),
        )

    def target(self, key: str) -> HTTPResponse:
        """Show one target."""
        overview = self.context.overview()
        if key not in overview.fleet.targets:
            return self.context.nothing(f"No target has the key {key}: it may be gone since.", FLEET)
        row = why(self.context.storage, overview, key, _PAST)
        return self.context.page("target", FLEET, topics.FLEET, row=row)

    def hosts(self) -> HTTPResponse:
        """Show the hosts that are asked for."""
        query, fleet = asked(), self.context.overview().fleet
        sort, is_descending = _order(query, _HOST_SORTS, "name")
        answers = query.one_of("answers", ("yes", "no"))
        choice = HostChoice(query.text("text"), is_reachable=None if answers is None else answers == "yes")
        wanted = [one for one in fleet.hosts.values() if choice.has(one)]
        found = sorted(wanted, key=_sort_of_host(sort), reverse=is_descending)
        shown, pager = paged(query, found)
        understood = {
            "text": True,
            "answers": answers,
            **_ordered(query, _HOST_SORTS),
        }
        return self.context.page(
            "hosts",
            FLEET,
            topics.FLEET,
            asked=query,
            unread=query.unread(understood),
            rows=_with_counts(shown, fleet),
            pager=pager,
            sort=sort,
            descending=is_descending,
        )

    def swarms(self) -> HTTPResponse:
        """Show the swarms."""
        query = asked()
        rows, pager = paged(query, swarms(self.context.overview()))
        unread = query.unread({"page": query.number("page")})
        return self.context.page("swarms", FLEET, topics.FLEET, rows=rows, pager=pager, unread=unread)

    def host(self, name: str) -> HTTPResponse:
        """Show one host."""
        overview = self.context.overview()
        if name not in overview.fleet.hosts:
            return self.context.nothing(f"No host {name} is in the inventory, or none was asked yet.", FLEET)
        keys = sorted(overview.fleet.named.get(name, ()))
        return self.context.page(
            "host",
            FLEET,
            topics.FLEET,
            row=next(host_rows(overview.fleet, [name])),
            rows=[outlook(overview.outlook(key)) for key in keys[:ROWS]],
            more=len(keys) if len(keys) > ROWS else 0,
        )


def _order(query: Asked, known: Sequence[str], otherwise: str) -> tuple[str, bool]:
    sort = query.one_of("sort", known, otherwise)
    return sort or otherwise, query.text("order") == "down"


def _ordered(query: Asked, sorts: Sequence[str]) -> dict[str, Any]:
    """Return what is understood of the order and the page that are asked for."""
    return {
        "sort": query.one_of("sort", sorts),
        "order": query.one_of("order", ("up", "down")),
        "page": query.number("page"),
    }


def _sort_of_host(sort: str) -> Any:
    return (lambda one: (one.asked_at, one.name)) if sort == "asked" else (lambda one: one.name)


def _with_counts(hosts: Iterable[Host], fleet: Fleet) -> list[dict[str, Any]]:
    """Return hosts, each with how many targets it has."""
    rows = host_rows(fleet, (one.name for one in hosts))
    return [{**row, "targets": len(fleet.named.get(row["name"], ()))} for row in rows]


def _figures(overview: Overview) -> dict[str, Any]:
    return {
        "targets": len(overview.fleet.targets),
        "behind": len(overview.behind),
        "by_verdict": behind_by_verdict(overview),
    }
