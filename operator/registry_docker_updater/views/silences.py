"""Silences as people and programs see them."""

from datetime import datetime

from typing_extensions import TypedDict

from registry_docker_updater.core.silences import Silence
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import moment


class SilenceRow(TypedDict):
    """A silence of a host, a target, a registry or an image's name (``of``); it ``counts`` until its time, or till somebody ends it."""

    id: int
    subject: str
    of: str
    at: str
    until: str
    reason: str
    actor: str
    ended_at: str | None
    ended_by: str | None
    counts: bool


def silences(storage: Storage, now: datetime, limit: int, before: int | None = None) -> list[SilenceRow]:
    """Return the newest ``limit`` silences that began ``before`` the one with that number, newest first."""
    return [silence(one, now) for one in storage.silences.newest(limit, before)]


def silence_of(storage: Storage, number: int, now: datetime) -> SilenceRow:
    """Return the silence with ``number``; raises :class:`NothingKnown`."""
    one = storage.silences.get(number)
    if one is None:
        raise NothingKnown(f"there is no silence {number}; `silence --list` lists those that are")
    return silence(one, now)


def silence(one: Silence, now: datetime) -> SilenceRow:
    """Return one silence."""
    return {
        "id": one.id,
        "subject": str(one.subject),
        "of": one.of,
        "at": moment(one.at),
        "until": moment(one.until),
        "reason": one.reason,
        "actor": one.actor,
        "ended_at": moment(one.ended_at),
        "ended_by": one.ended_by,
        "counts": one.counts(now),
    }
