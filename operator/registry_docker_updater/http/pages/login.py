"""Logging in with a token, and out: a browser cannot give one with every request as a program does."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from bottle import HTTPResponse, request

from registry_docker_updater.http.access import AccessGuard
from registry_docker_updater.http.answers import headers_of_request
from registry_docker_updater.http.origin import is_ours
from registry_docker_updater.http.pages.asked import fields
from registry_docker_updater.http.pages.context import Context, asked
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.sessions import cookie

LOGIN = "/login"


@dataclass(frozen=True)
class LoginPages:
    """Lets people in whom ``access`` knows by a token; ``refusals`` logs whom it does not."""

    context: Context
    access: AccessGuard
    refusals: Refusals

    def form(self) -> HTTPResponse:
        """Ask for a token."""
        return self._form(_path(asked().text("next")))

    def log_in(self) -> HTTPResponse:
        """Let somebody in, or ask again."""
        given = form()
        goes_to = _path(given.get("next"))
        if not is_ours(headers_of_request()):
            return self._form(goes_to, 403, "That came from another page. Give the token here.")
        session = self.access.session(given.get("token", "").strip())
        if session is None:
            address = request.environ["REMOTE_ADDR"]
            self.refusals.log(address, f"401 for POST {LOGIN!r} from {address}: no token of listen.access")
            return self._form(goes_to, 401, "That is no token of listen.access.")
        return going_to(goes_to, session)

    def log_out(self) -> HTTPResponse:
        """Have a browser forget that somebody logged in."""
        return going_to(LOGIN, "") if is_ours(headers_of_request()) else going_to("/")

    def _form(self, goes_to: str, status: int = 200, wrong: str = "") -> HTTPResponse:
        return self.context.page("login", None, status=status, next=goes_to, wrong=wrong)


def to_login() -> HTTPResponse:
    """Return what sends somebody to the login, and back from there to what was asked for."""
    query = request.environ.get("QUERY_STRING", "")
    path = quote(request.path) if request.method in ("GET", "HEAD") else "/"
    path = f"{path}?{query}" if query else path
    return going_to(f"{LOGIN}?{urlencode({'next': path})}")


def form() -> dict[str, str]:
    """Return the fields of the form that was sent."""
    return fields(request.body.read().decode("utf-8", "replace"))


def going_to(path: str, session: str | None = None) -> HTTPResponse:
    """Return what has a browser ask for ``path``, and keep the ``session`` where there is one, or forget it (empty)."""
    headers = {"Location": path, "Cache-Control": "no-store"}
    if session is not None:
        # A proxy that serves TLS for us says so; who says so without one, has a cookie of no use.
        schemes = (request.environ["wsgi.url_scheme"], headers_of_request().get("x-forwarded-proto"))
        headers["Set-Cookie"] = cookie(session, is_secure="https" in schemes)
    return HTTPResponse("", 303, headers)


def _path(given: str | None) -> str:
    """Return a path of ours: where somebody is led after the login must not be chosen by who sent them the link."""
    path = given or "/"
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"
