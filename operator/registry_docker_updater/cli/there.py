"""What is known and done elsewhere: the source of commands that ask a running operator by its API."""

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from registry_docker_updater.cli.command import TOKEN_VARIABLE
from registry_docker_updater.cli.server import MOST, Server
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.edges.web import Web
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.views.addresses import in_path
from registry_docker_updater.views.approvals import DecidedRow
from registry_docker_updater.views.events import EventRow, IgnoredRow
from registry_docker_updater.views.fleet import HostRow
from registry_docker_updater.views.freezes import FreezeRow
from registry_docker_updater.views.messages import MessageRow, ReceiverRow, SampleRow
from registry_docker_updater.views.now import NowRow
from registry_docker_updater.views.outlook import FleetNowRows, OutlookRow
from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.rollouts import RolloutRow
from registry_docker_updater.views.silences import SilenceRow
from registry_docker_updater.views.trail import EntryRow
from registry_docker_updater.views.waits import RolloutNowRow
from registry_docker_updater.views.why import WhyRow

# A rollout of 100,000 targets has 160 MB.
_LARGEST_ANSWER = 256 * 2**20


@dataclass(frozen=True)
class There:
    """What the operator at a ``server`` has."""

    server: Server

    @property
    def is_working(self) -> bool:
        """Whether an operator is there: it is who answers."""
        return True

    def events(self, limit: int) -> list[EventRow]:
        """Return the newest events, newest first."""
        return self.server.listed("events", EventRow, limit)

    def event(self, number: int) -> EventRow:
        """Return one event, whole."""
        return self.server.one(f"events/{number}", EventRow)

    def ignored(self) -> list[IgnoredRow]:
        """Return how many events were ignored, and why."""
        return self.server.listed("ignored", IgnoredRow)

    def rollouts(self, limit: int) -> list[RolloutRow]:
        """Return the newest rollouts, newest first."""
        return self.server.listed("rollouts", RolloutRow, limit)

    def rollout(self, number: int) -> RolloutNowRow:
        """Return one rollout with every target, and what waits."""
        return self.server.one(f"rollouts/{number}", RolloutNowRow)

    def fleet(self, *, fresh: bool) -> FleetNowRows:
        """Return hosts and targets, as last scanned."""
        _refuse_to_scan(fresh=fresh)
        hosts = self.server.listed("hosts", HostRow, asked={"limit": MOST})
        targets = self.server.listed("targets", OutlookRow, asked={"limit": MOST})
        targets.sort(key=lambda row: (row["place"], row["kind"], row["name"]))
        return {"hosts": hosts, "targets": targets}

    def why(self, target: str, *, fresh: bool) -> list[WhyRow]:
        """Return all that is known of the targets that are called so."""
        _refuse_to_scan(fresh=fresh)
        keys = [row["key"] for row in self.server.listed("targets", OutlookRow, asked={"name": target})]
        # Where there is none, what is answered names those alike.
        return [self.server.one(f"targets/{in_path(key) or quote(key)}", WhyRow) for key in keys or [target]]

    def plan(self, image: str, *, fresh: bool) -> list[JudgedRow]:
        """Return what a push would mean for each target."""
        _refuse_to_scan(fresh=fresh)
        return self.server.listed("plan", JudgedRow, asked={"image": image})

    def push(self, image: str, *, force: bool) -> PushRow:
        """Record a push by hand."""
        return self.server.done("pushes", {"image": image, "force": force}, PushRow)

    def retry(self, rollout: int, *, force: bool) -> PushRow:
        """Have a rollout run again."""
        return self.server.done(f"rollouts/{rollout}/retry", {"force": force}, PushRow)

    def standing(self, push: int) -> PushRow:
        """Return how a push stands; who follows it waits for an operator that is restarted."""
        return self.server.followed(f"pushes/{push}", PushRow)

    def status(self) -> NowRow:
        """Return how everything is."""
        return self.server.one("status", NowRow)

    def approve(
        self, rollout: int, *, only: Collection[str] | None = None, reason: str | None = None
    ) -> DecidedRow:
        """Approve the push of a rollout."""
        asked = {"targets": list(only) if only else None, "reason": reason}
        return self.server.done(f"rollouts/{rollout}/approve", asked, DecidedRow)

    def refuse(self, rollout: int, reason: str, *, only: Collection[str] | None = None) -> DecidedRow:
        """Refuse the push of a rollout."""
        asked = {"targets": list(only) if only else None, "reason": reason}
        return self.server.done(f"rollouts/{rollout}/refuse", asked, DecidedRow)

    def silences(self, limit: int) -> list[SilenceRow]:
        """Return the newest silences, newest first."""
        return self.server.listed("silences", SilenceRow, limit)

    def silence(self, what: str, until: datetime, reason: str) -> SilenceRow:
        """Silence a trouble that is known."""
        asked = {"what": what, "until": rfc3339(until), "reason": reason}
        return self.server.done("silences", asked, SilenceRow)

    def end_silence(self, number: int) -> SilenceRow:
        """End a silence."""
        return self.server.done(f"silences/{number}/end", {}, SilenceRow)

    def freezes(self, limit: int, *, counts: bool | None = None) -> list[FreezeRow]:
        """Return the newest freezes, newest first; those that count, or the others, where that is said."""
        asked = {} if counts is None else {"counts": str(counts).lower()}
        return self.server.listed("freezes", FreezeRow, limit, asked)

    def freeze(self, what: str, until: datetime | None, reason: str) -> FreezeRow:
        """Have nothing updated of something."""
        asked = {"what": what, "until": rfc3339(until) if until else None, "reason": reason}
        return self.server.done("freezes", asked, FreezeRow)

    def thaw(self, number: int) -> FreezeRow:
        """End a freeze."""
        return self.server.done(f"freezes/{number}/end", {}, FreezeRow)

    def messages(self, limit: int) -> list[MessageRow]:
        """Return the newest messages to receivers, newest first."""
        return self.server.listed("messages", MessageRow, limit)

    def receivers(self) -> list[ReceiverRow]:
        """Return who is told of what."""
        return self.server.listed("receivers", ReceiverRow)

    def send_sample(self, receiver: str, channel: str | None) -> SampleRow:
        """Refuse to."""
        raise UpdaterError(
            f"a sample to {receiver}{f' by {channel}' if channel else ''} is sent from the operator's machine: leave --server out"
        )

    def story(self, rollout: int) -> list[EntryRow]:
        """Return all that the trail says of a rollout."""
        return self.server.listed(f"rollouts/{rollout}/trail", EntryRow)


def there(url: str, token_file: Path | None, ca: Path | None, environment: Mapping[str, str]) -> There:
    """Return what is at ``url``, asked with the token of the file or the environment; raises :class:`UpdaterError`."""
    if "@" in url:
        raise UpdaterError("--server: a user or password stands in the address; give a token by --token-file")
    if not _is_address(url):
        raise UpdaterError(f"--server {url} is no address such as https://updater.example.com")
    try:
        web = Web(ca, _LARGEST_ANSWER, follows=False)
    except ValueError as error:
        raise UpdaterError(f"--ca-file: {error}") from None
    return There(Server(url.rstrip("/"), _token(token_file, environment), web))


def is_overheard(url: str) -> bool:
    """Tell whether a token that is given to ``url`` goes over a network in the clear."""
    parts = urlsplit(url)
    try:
        is_here = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        is_here = parts.hostname == "localhost"
    return parts.scheme == "http" and not is_here


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # which is to be a number
    except ValueError:
        return False
    is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    return is_whole and " " not in url and not (parts.query or parts.fragment)


def _token(path: Path | None, environment: Mapping[str, str]) -> str | None:
    where = f"--token-file: {path}" if path else TOKEN_VARIABLE
    try:
        token = (path.read_text() if path else environment.get(TOKEN_VARIABLE, "")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UpdaterError(
            f"{where} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}"
        ) from None
    if path and not token:
        raise UpdaterError(f"{where} is empty")
    if not token.isprintable() or " " in token:
        # Never said: who reads this is not to know it.
        raise UpdaterError(f"{where} holds more than one word, or what cannot be printed: that is no token")
    return token or None


def _refuse_to_scan(*, fresh: bool) -> None:
    if fresh:
        raise UpdaterError("--scan asks the hosts from the operator's machine: leave it out, or --server")
