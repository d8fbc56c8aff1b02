"""Templates made into pages: whatever came from outside is text in them, and never markup, a script or a template."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ansi2html import Ansi2HTMLConverter
from bottle import HTTPResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.http.pages.addresses import address_of_host, address_of_target
from registry_docker_updater.views.text import printable, short

_HERE = Path(__file__).parent
# Longer texts from outside are cut where they stand in a row.
_LONGEST = 2000
_COLOURS = re.compile(r"(\x1b\[[0-9;]{0,20}m)")
_CONVERTER = Ansi2HTMLConverter(inline=False, escaped=True)
# What a browser may load, run and send: ours, from here. What is known changes, so nothing is kept but styles and scripts.
_SAFETY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Without one, browsers say of forms sent by plain HTTP that they come from nowhere: `Origin: null`.
    "Referrer-Policy": "same-origin",
}
_KEPT, _NOT_KEPT = "public, max-age=31536000, immutable", "no-store"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Rendering:
    """Makes pages of templates, for the ``version`` of the operator, at the time of ``clock``."""

    version: str
    clock: Clock

    def page(self, template: str, status: int = 200, **values: Any) -> HTTPResponse:
        """Return a page; ``values`` are shown by the template with that name."""
        text = self._environment.get_template(f"{template}.html").render(
            now=self.clock(), status=status, **values
        )
        headers = {**_SAFETY, "Cache-Control": _NOT_KEPT, "Content-Type": "text/html; charset=utf-8"}
        return HTTPResponse(text, status, headers)

    def file(self, name: str) -> HTTPResponse | None:
        """Return a style or a script by its name, which has the hash of what is in it; None where there is none."""
        for path in self._files.values():
            if name == _name_of(path):
                headers = {**_SAFETY, "Cache-Control": _KEPT, "Content-Type": _TYPES[path.suffix]}
                return HTTPResponse(path.read_bytes(), 200, headers)
        return None

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        return {path.name: path for path in sorted((_HERE / "static").iterdir())}

    @cached_property
    def _environment(self) -> Environment:
        made = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        made.globals["version"] = self.version
        made.globals["files"] = {name: f"/static/{_name_of(path)}" for name, path in self._files.items()}
        made.globals.update(address_of_host=address_of_host, address_of_target=address_of_target)
        made.filters.update(
            short=short, due=due, moment=moment, time=time, terminal=terminal, words=words, coded=coded
        )
        return made


def ago(at: str | datetime | None, now: datetime) -> str:
    """Return how long ``at`` is before ``now``, or after it, as a person says it."""
    if at is None:
        return "never"
    seconds = (now - _moment(at)).total_seconds()
    size, is_past = abs(seconds), seconds >= 0
    if size < 1:
        return "now"
    for unit, length, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800), ("d", 86400, None)):
        if until is None or size < until:
            said = f"{int(size // length)} {unit}"
            return f"{said} ago" if is_past else f"in {said}"
    raise AssertionError("days are without end")


def time(at: str | datetime | None, now: datetime) -> Markup:
    """Return a moment as a person says it, and whole where it is pointed at."""
    if at is None:
        return Markup("&ndash;")
    moment = _moment(at)
    whole = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        rfc3339(moment), whole, ago(moment, now)
    )


def moment(at: str | datetime | None, now: datetime) -> Markup:
    """Return a moment whole, and how long ago that is: for who is to write it down, or has no mouse to point at it."""
    if at is None:
        return Markup("&ndash;")
    whole = _moment(at).strftime("%Y-%m-%d %H:%M:%S UTC")
    # It is not whole twice where it is pointed at, or printed.
    text = '{} (<time datetime="{}" data-ago>{}</time>)'
    return Markup(text).format(whole, rfc3339(_moment(at)), ago(at, now))  # noqa: S704 - it escapes what it is given


def due(at: str, now: datetime) -> Markup:
    """Return when something that is to come will be; what is overdue is about to be."""
    return Markup("now") if _moment(at) <= now else time(at, now)


def terminal(text: str) -> Markup:
    """Return what a run printed as markup: its colours as classes, all else as text."""
    # Of what commands a terminal the converter gets colours only: of a link it would make one.
    parts = _COLOURS.split(text)
    clean = "".join(part if number % 2 else _plain(part) for number, part in enumerate(parts))
    return Markup(_CONVERTER.convert(clean, full=False))  # noqa: S704 - it escapes what is text


def words(name: str) -> str:
    """Return a name for programs as people read it."""
    return name.replace("_", " ")


def coded(text: str) -> Markup:
    """Return a sentence with the commands in it, which stand between backticks, as such."""
    parts = [_shown(part) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return Markup("`").join(parts)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def _shown(value: Any) -> Any:
    """Return what a template prints, such that it cannot turn round or hide what stands beside it."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        lines = [printable(line, _LONGEST) for line in value.split("\n")]
        return escape("\n".join(lines))
    return value


def _plain(text: str) -> str:
    return "\n".join(printable(line, len(line)) for line in text.split("\n"))


def _moment(at: str | datetime) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def _name_of(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}.{digest}{path.suffix}"
