"""What is not well with targets: those that are behind the same image for the same reason are one trouble."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.outlook import Alike, Outlook, Overview
from registry_docker_updater.core.rollouts.verdicts import LATER, UNREADABLE, Verdict
from registry_docker_updater.core.silences import Silence, Silences, Subject
from registry_docker_updater.core.status.trouble import NAMED, Affected, Trouble, TroubleKind, listed

# Of many images, so many have a line of their own.
_LINES = 20


def of_targets(overview: Overview, silences: Silences) -> Iterator[Trouble]:
    """Yield the troubles of all targets that are behind, without those that ``silences`` know of mixed in."""
    silenced = _silenced_targets(overview, silences)
    by_kind: dict[tuple[TroubleKind, bool], list[Affected[Outlook]]] = {}
    for alike, outlooks in overview.alike.items():
        kind = _kind_of(alike, outlooks[0].verdict)
        if kind:
            for some in _parts(alike, outlooks, silenced, silences):
                by_kind.setdefault((kind, bool(some.silences)), []).append(some)
    for (kind, _), images in by_kind.items():
        yield from (_of_alike(kind, some) for some in images[:_LINES])
        if more := images[_LINES:]:
            yield _of_more(kind, more)


def _silenced_targets(overview: Overview, silences: Silences) -> Mapping[Alike, Mapping[str, Silence]]:
    """Return the targets that are behind and silenced themselves, or by their hosts, by key, and by what they have in common."""
    behind, fleet = overview.behind, overview.fleet
    found: dict[Alike, dict[str, Silence]] = {}
    for subject, of in silences.by_subject:
        for key in fleet.named.get(of, ()) if subject is Subject.HOST else (of,):
            one = behind.get(key)
            silence = silences.of_target(key, None, one.target.hosts) if one else None
            if one and silence:
                found.setdefault(one.alike, {})[key] = silence
    return found


def _parts(
    alike: Alike,
    outlooks: Sequence[Outlook],
    silenced: Mapping[Alike, Mapping[str, Silence]],
    silences: Silences,
) -> Iterable[Affected[Outlook]]:
    of_image = silences.of_image(outlooks[0].image)
    if of_image:
        return (Affected(outlooks, (of_image,)),)
    hidden = silenced.get(alike)
    if not hidden:
        return (Affected(outlooks),)
    heard = [one for one in outlooks if one.target.key not in hidden]
    others = [one for one in outlooks if one.target.key in hidden]
    by_number = {one.id: one for one in hidden.values()}
    return (*([Affected(heard)] if heard else ()), Affected(others, tuple(by_number.values())))


def _kind_of(alike: Alike, verdict: Verdict) -> TroubleKind | None:
    """Return which trouble it is that targets are behind for this reason, None where it is none."""
    if verdict is LATER:
        # Where its hosts cannot be reached, that is the trouble.
        return None if alike.is_lost else TroubleKind.FAILED
    # What waits, what is being updated, and what somebody wants so, is as it should be; what nobody can read is to be put right.
    if verdict.is_meant or (verdict.is_pending and verdict.name != UNREADABLE.name):
        return None
    if alike.outcome is Outcome.ROLLBACK_FAILED:
        return TroubleKind.DOWN
    is_failure = alike.outcome in (Outcome.FAILED, Outcome.ROLLED_BACK)
    return TroubleKind.FAILED if is_failure else TroubleKind.BEHIND


def _of_alike(kind: TroubleKind, some: Affected[Outlook]) -> Trouble:
    names = [f"{one.target.name} at {one.target.place}" for one in some.things[:NAMED]]
    where = listed(names, len(some.things), "target")
    first = some.things[0]
    image, rollout, verdict = first.image, first.rollout, first.verdict
    tells = f"; `rollout {rollout.id}` tells why" if rollout else ""
    sentences = {
        TroubleKind.DOWN: f"neither the new nor the old version of {image} came up: {where}",
        TroubleKind.FAILED: f"{image} could not be brought to {where}",
        TroubleKind.BEHIND: f"{image} was pushed, and is not on {where}: {verdict.sentence}",
    }
    then = "look at it at once" if kind is TroubleKind.DOWN else verdict.then
    return Trouble(
        kind,
        sentences[kind],
        f"{then}{tells}",
        len(some.things),
        tuple(one.target.key for one in some.things[:NAMED]),
        since=min((one.last.at for one in some.things if one.last), default=None),
        at=first.next_at,
        rollout=rollout.id if rollout else None,
        silences=some.silences,
    )


def _of_more(kind: TroubleKind, more: Sequence[Affected[Outlook]]) -> Trouble:
    """Return one trouble for all the images that have no line of their own."""
    count = sum(len(some.things) for some in more)
    return Trouble(
        kind,
        f"the same is so of {len(more):,} more image(s), on {count:,} target(s)",
        "the fleet's targets that are behind are listed with why",
        count,
        silences=more[0].silences,
    )
