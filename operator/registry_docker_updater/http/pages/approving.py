"""What waits for approval, as pages and links in messages show it, and approving and refusing it there."""

from dataclasses import dataclass
from heapq import nsmallest
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any

from bottle import HTTPResponse, request

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.policy.links import problem_of_link
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.access import AccessGuard, Right, Visitor
from registry_docker_updater.http.answers import VISITOR, headers_of_request
from registry_docker_updater.http.once import ByHand
from registry_docker_updater.http.pages.acting import Acting
from registry_docker_updater.http.pages.asked import ROWS
from registry_docker_updater.http.pages.context import ROLLOUTS, asked
from registry_docker_updater.http.pages.login import form
from registry_docker_updater.views.approvals import can_be_given, mark_of_approvals


@dataclass(frozen=True)
class ApprovalPages(Acting):
    """Shows what would happen on approval, to whoever has the right or a link that was signed with ``link_key``; ``access`` knows who asks.

    Looking approves nothing, whoever looks: what previews messages in a chat looks, too.
    """

    access: AccessGuard
    link_key: bytes

    def show(self, number: int) -> HTTPResponse:
        """Ask whether a rollout is to be approved or refused."""
        return self._shown(number)

    def linked(self, number: int) -> HTTPResponse:
        """Show the same to whoever has a link; approving takes the right to operate all the same."""
        query = asked()
        until, signature = query.text("until") or "", query.text("signature") or ""
        problem = problem_of_link(self.link_key, number, until, signature, self.context.rendering.clock())
        visitor = self.access.visitor(headers_of_request(), request.environ["REMOTE_ADDR"])
        if visitor.right is not Right.NONE:
            request.environ[VISITOR] = visitor
        if problem:
            where = f"/rollouts/{number}"
            answer = self.context.refused(
                HTTPStatus.FORBIDDEN, f"{problem}; {where} shows the rollout to who may read", None, where
            )
        else:
            answer = self._shown(number, visitor)
        answer.set_header("X-Robots-Tag", "noindex, nofollow, noarchive")
        return answer

    def approve(self, number: int) -> HTTPResponse:
        """Approve a rollout."""
        reason = form().get("reason", "")

        def does(by_hand: ByHand, who: Person) -> str:
            by_hand.approve(number, who, reason=reason, seen=_seen())
            return f"/rollouts/{number}"

        return self.do(ROLLOUTS, None, does)

    def refuse(self, number: int) -> HTTPResponse:
        """Refuse a rollout."""
        reason = form().get("reason", "")

        def does(by_hand: ByHand, who: Person) -> str:
            by_hand.refuse(number, who, reason, seen=_seen())
            return f"/rollouts/{number}"

        return self.do(ROLLOUTS, None, does)

    def _shown(self, number: int, linked: Visitor | None = None) -> HTTPResponse:
        try:
            row = self.once.by_hand.approvals(number)
        except UpdaterError as error:
            return self.refused(error, ROLLOUTS)
        needed = {key for one in row["approvals"] for key in one["keys"]}
        first = nsmallest(ROWS, row["targets"], key=lambda one: (one["key"] not in needed, one["key"]))
        values: dict[str, Any] = {
            "row": row,
            "rows": first,
            "hidden": {"seen": mark_of_approvals(row["push"], row["approvals"]), "once": token_urlsafe()},
            "is_open": any(map(can_be_given, row["approvals"])),
            # Who follows a link comes back to it from the login.
            "login": _here() if linked and linked.right is Right.NONE else None,
        }
        return self.context.page("approve", ROLLOUTS, **values)


def _here() -> str:
    query = request.environ.get("QUERY_STRING", "")
    return f"{request.path}?{query}"


def _seen() -> str:
    """Return the mark of what was seen; it is looked at where the word is kept, for a fleet is much to look up twice."""
    return form().get("seen", "")
