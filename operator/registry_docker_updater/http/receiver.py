"""The receiver of events.

A registry waits while it is answered and Distribution holds back everything behind a refusal, so an event is
only bounded, authenticated, read and committed here. Whatever follows from it happens elsewhere.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bottle import HTTPResponse, request

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.pushes import Malformed, Push, Unreadable, UnresolvedPush
from registry_docker_updater.core.events.receiving import read
from registry_docker_updater.errors import NotKnownYet, StoreUnavailable
from registry_docker_updater.http.access import Right
from registry_docker_updater.http.answers import headers_of_request, refusal
from registry_docker_updater.http.endpoints import Counts, Endpoint
from registry_docker_updater.http.guard import EVENTS, DeliveryGuard, Source
from registry_docker_updater.http.head import Answer
from registry_docker_updater.http.query import Parameter
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.together import TO_KEEP, ToKeep
from registry_docker_updater.log_context import UNLIKE_OTHERS, about
from registry_docker_updater.metrics import ACCEPTED, DUPLICATE, IGNORED, UNREADABLE, Metrics
from registry_docker_updater.storage.arrivals import Arrived, Recorded

_log = logging.getLogger(__name__)
_REFUSALS = {
    400: "No events of the registry's format.",
    401: "What proves the sender is wrong or missing.",
    403: "The registry does not send from this address.",
    404: "There is no registry of this name.",
    408: "The request took too long.",
    413: "The body is too large.",
    414: "The address is too long.",
    431: "The head is too large.",
    503: "Nothing was stored; it is to be sent again.",
}


@dataclass(frozen=True)
class Receiver:
    """Takes events of those who may send them, by ``guard``.

    ``wake`` is called with the name of a registry of which there is something new, ``outage`` with that of one whose
    event could not be kept.
    """

    guard: DeliveryGuard
    wake: Callable[[str], None]
    outage: Callable[[str], None]
    clock: Clock
    refusals: Refusals
    metrics: Metrics = field(default_factory=Metrics)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return what registries send to."""
        by_name = (Parameter("registry", {"type": "string"}, "Its name in the settings.", where="path"),)
        in_path = Parameter(
            "in_path",
            {"type": "string", "format": "path"},
            "The secret of a sender that can give it nowhere else.",
            where="path",
        )
        sent = Endpoint(
            "POST",
            f"{EVENTS}{{registry}}",
            "Events of a registry",
            self.receive,
            Counts,
            by_name,
            status=202,
            takes="What the registry sends, in its own format.",
            refusals=_REFUSALS,
            needs=Right.NONE,
        )
        return sent, replace(sent, path=f"{sent.path}/{{in_path}}", parameters=(*by_name, in_path))

    def receive(self, registry: str, in_path: str = "") -> HTTPResponse | str:
        """Read the request at hand, a delivery of ``registry``; it is answered 202 once what it held is committed."""
        address = request.environ["REMOTE_ADDR"]
        body = request.environ["wsgi.input"].read()
        delivery = Delivery(body, headers_of_request(), in_path.encode().decode("latin-1"))
        source = self.guard.decide(registry, delivery, address)
        if isinstance(source, Source):
            try:
                if TO_KEEP not in request.environ:
                    # When it came, it was of nobody: a key has come since, or other settings.
                    raise NotKnownYet("it was not when this came")  # noqa: TRY301
                if source.identity:
                    source.identity.welcome(delivery)
                return self._keep(source, delivery, address)
            except NotKnownYet as error:
                source = 503, f"registry {registry!r} is not known yet: {error}; send it again"
        status, why = source
        self.refusals.log(address, f"{status} from {address}: {why}")
        return refusal(status, why)

    def _keep(self, source: Source, delivery: Delivery, address: str) -> HTTPResponse | str:
        try:
            found = read(
                source.name, source.sender, delivery, can_be_asked=source.can_be_asked, verify=source.verify
            )
        except Malformed as error:
            with about(registry=source.name):
                _log.error("400 for %s: %s", source.name, error)
            return refusal(400, f"not an event of format {source.sender.name}: {error}")
        for one in found.kept:
            if isinstance(one, Unreadable):
                with about(registry=source.name):
                    _log.error("an event of %s cannot be read and is kept: %s", source.name, one.reason)
        to_keep = ToKeep(
            Arrived(source.name, found.kept, self.clock(), found.ignored, address),
            kept=partial(self._kept, source.name, len(found.ignored)),
            not_kept=partial(self._not_kept, source.name),
        )
        request.environ[TO_KEEP].append(to_keep)
        return ""  # the answer is made when it is known what became of it

    def _kept(self, registry: str, ignored: int, recorded: Recorded) -> Answer:
        with about(registry=registry):
            for reason in recorded.first_ignored:
                _log.info("the first event of %s that is ignored because it is: %.100r", registry, reason)
        if _log.isEnabledFor(logging.INFO):
            for number, push in recorded.fresh:
                with about(registry=registry, event=number):
                    _log.info(*_accepted(registry, push), extra=UNLIKE_OTHERS)
        if recorded.accepted:
            self.wake(registry)
        counts: Counts = {
            "accepted": recorded.accepted,
            "ignored": ignored,
            "duplicates": recorded.duplicates,
            "unreadable": recorded.unreadable,
        }
        self.metrics.delivered(
            registry,
            {
                ACCEPTED: recorded.accepted,
                IGNORED: ignored,
                DUPLICATE: recorded.duplicates,
                UNREADABLE: recorded.unreadable,
            },
        )
        return Answer.of_json(202, counts)

    def _not_kept(self, registry: str, error: StoreUnavailable) -> Answer:
        with about(registry=registry):
            _log.error("503 for %s: %s", registry, error)
        self.outage(registry)
        return Answer.of_refusal(503, "not stored; send it again")


def _accepted(registry: str, push: Push | UnresolvedPush) -> tuple[object, ...]:
    """Return what the log says of a push that was accepted."""
    tag, actor = f"{push.repository}:{push.tag}", push.actor or "nobody knows whom"
    if isinstance(push, Push):
        return "accepted from %s: %s is %s, pushed by %s", registry, tag, push.digest, actor
    claimed = push.claimed or "pushed"
    return "accepted from %s if it says so itself: %s is %s, by %s", registry, tag, claimed, actor
