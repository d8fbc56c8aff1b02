"""What is answered before the operator works: that it lives, and what it does until then.

Registries send again what is answered 503 (RFC 9110, 15.6.4); what finds no listener, some of them do not.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import NoDeliveries
from registry_docker_updater.http.head import Answer
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together

UPGRADING = "upgrading"
_AGAIN_SECONDS = 10


@contextmanager
def answering(listenings: Sequence[Listening], status: str) -> Iterator[Sequence[Server]]:
    """Answer everywhere that ``status`` is why nothing else is answered yet; raises :class:`UpdaterError`."""
    together = Together(_application(status), lambda _: ())
    with ExitStack() as stack:
        servers = []
        for listening in listenings:
            servers.append(Server(together, NoDeliveries(), listening))
            servers[-1].start()
            stack.callback(servers[-1].stop)
        yield servers


def _application(status: str) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    def application(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environment["PATH_INFO"]
        answer = _answer(path, status)
        start(
            answer.status,
            [*answer.headers, ("Retry-After", str(_AGAIN_SECONDS)), ("Cache-Control", "no-store")],
        )
        return [answer.body]

    return application


def _answer(path: str, status: str) -> Answer:
    match path:
        case "/healthz":
            return Answer.of_json(200, {"status": "alive"})
        case "/readyz":
            return Answer.of_json(503, {"status": status})
        case _:
            return Answer.of_refusal(503, f"{status}: ask again in {_AGAIN_SECONDS} seconds", path)
