"""What a push means for the fleet, in sentences for whoever asked for it."""

from collections.abc import Iterable, Iterator, Sequence

from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.text import targets

NO_OPERATOR = "no operator works with this state directory, so nothing happens until one does"
_AS_SEEN = ", as far as the last scan saw"
_NEVER_ASKED = (
    "no host was asked yet, so which targets it is for shows when an operator has begun; `plan` asks them now"
)
# Of many targets that are told of together, so many are named.
_NAMED = 3


def concerned(row: PushRow) -> list[JudgedRow]:
    """Return the targets to which it goes, now or later."""
    return [one for one in row["targets"] if one["is_concerned"]]


def left_alone(row: PushRow) -> list[JudgedRow]:
    """Return those that run the image name, are not on the digest, and are left as they are."""
    return [one for one in row["targets"] if not (one["is_concerned"] or one["is_current"])]


def waiting(row: PushRow) -> list[JudgedRow]:
    """Return those to which it goes later, by a rule or when a person has decided."""
    return [one for one in row["targets"] if one["waits"]]


def breaking(row: PushRow) -> list[JudgedRow]:
    """Return those on which a person insists, and breaks a rule or a freeze."""
    return [one for one in concerned(row) if one["breaks"] and not one["waits"]]


def remarks(row: PushRow) -> Iterator[str]:
    """Yield what is to be known at once: what is left alone, what waits, and what is broken, and by whom that was said."""
    left, later = left_alone(row), waiting(row)
    for one in left:
        yield f"left alone: {one['kind']} {one['name']} at {one['place']}: {one['says']}"
    if any(one["can_be_forced"] for one in left):
        yield "--force updates these too"
    yield from _grouped("waits", ((one["says"], one) for one in later))
    if any(one["can_be_forced"] for one in later):
        yield "--force breaks a freeze, window, minimum age or soak for which targets wait, and says so to everybody"
    broken = ((f"it {why}", one) for one in breaking(row) for why in one["breaks"])
    yield from _grouped("forced, although", broken)


def _grouped(word: str, said: Iterable[tuple[str, JudgedRow]]) -> Iterator[str]:
    by_sentence: dict[str, list[JudgedRow]] = {}
    for sentence, one in said:
        by_sentence.setdefault(sentence, []).append(one)
    for sentence, some in by_sentence.items():
        names = ", ".join(f"{one['kind']} {one['name']} at {one['place']}" for one in some[:_NAMED])
        more = f" and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
        yield f"{word}: {names}{more}: {sentence}"


def why_waiting(row: PushRow) -> str:
    """Return for what it is that nobody is kept waiting."""
    later = waiting(row)
    reasons = list(dict.fromkeys(one["says"] for one in later))
    more = f"; and {len(reasons) - _NAMED} more reasons" if len(reasons) > _NAMED else ""
    rollout = row["rollout"]
    tells = f"; `rollout {rollout['id']}` tells when each goes on" if rollout else ""
    return f"not waited for any longer, {targets(len(later))}: {'; '.join(reasons[:_NAMED])}{more}{tells}"


def nobody(row: PushRow) -> str:
    """Return that it is for no target, why, and how far that is known."""
    if not row["is_fleet_asked"]:
        return _NEVER_ASKED
    unheard = never_answered(row["unheard_hosts"])
    if not row["targets"]:
        return f"no target runs {row['image']}{_AS_SEEN}{unheard}"
    if left_alone(row):
        return f"no target is to be changed by it{_AS_SEEN}{unheard}"
    return f"{already_there(row)}{unheard}"


def already_there(row: PushRow) -> str:
    """Return that all that run the image name are on the digest."""
    return f"{targets(len(row['targets']))} already on this digest{_AS_SEEN}"


def never_answered(hosts: Sequence[str]) -> str:
    """Return the end of a sentence that says what nobody can know while these ``hosts`` never answered; empty for none."""
    if not hosts:
        return ""
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    return f"; what runs on {', '.join(hosts[:_NAMED])}{more} is not known, for no scan ever had an answer"
