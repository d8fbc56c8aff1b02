"""What an entry of the trail says, for people: one sentence each."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from registry_docker_updater.core.audit import kinds
from registry_docker_updater.core.audit.entries import Entry

Content = Mapping[str, Any]
# As much of a digest as a person tells it from others by.
_SHORT = len("sha256:") + 12
# Of many events, so many are named.
_NAMED = 10


def content_of(entry: Entry) -> dict[str, Any] | None:
    """Return what an entry says, or None where it says nothing any more, or nothing that can be read."""
    try:
        content = json.loads(entry.content or "")
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("facts"), dict) else None


def sentence(entry: Entry) -> str:
    """Return what an entry says in a sentence."""
    content = content_of(entry)
    if content is None:
        return "(kept for long enough, and removed)" if entry.content is None else "(cannot be read)"
    try:
        said = "; ".join(filter(None, _SAYING.get(entry.kind, _facts)(content)))
    except (LookupError, TypeError, ValueError, AttributeError):
        # Somebody changed it.
        return "(cannot be read)"
    return said or kinds.KINDS.get(entry.kind, entry.kind)


def _received(content: Content) -> Iterator[str]:
    facts = content["facts"]
    (event,) = content["rows"]["events"]
    by = f" by {_text(event['actor'])}" if event["actor"] else ""
    if event["kind"] == "unreadable":
        yield f"{event['registry']} sent what nobody can read: {_text(event['reason'])}"
    else:
        digest = short(event["digest"]) if event["digest"] else "a digest that it does not tell"
        yield f"{event['registry']}: {_text(event['repository'])}:{_text(event['tag'])} was given {digest}{by}"
    if facts["from"]:
        yield f"told from {facts['from']}"
    if facts["is_claim"]:
        yield "the registry is to be asked whether it is so"
    elif event["kind"] != "unreadable" and "newest" not in content["rows"]:
        yield "there is a newer push of it"


def _answered(content: Content) -> Iterator[str]:
    yield f"the registry says {short(content['facts']['registry_says'])}"


def _rejected(content: Content) -> Iterator[str]:
    yield content["facts"]["reason"] or "nothing comes of it: the registry said so before"


def _matched(content: Content) -> Iterator[str]:
    facts = content["facts"]
    for one in facts.get("targets", ()):
        yield f"{one['target']}: {one['verdict']}"
    pushes = facts.get("nobody_runs", ())
    if len(pushes) == 1:
        yield "nobody runs it"
    elif pushes:
        more = f" and {len(pushes) - _NAMED} more" if len(pushes) > _NAMED else ""
        yield f"nobody runs what came with events {', '.join(map(str, pushes[:_NAMED]))}{more}"


def _began(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield f"run {facts['run']} of {facts['image']} to {short(facts['digest'])} began on {', '.join(facts['hosts'])}"
    if facts["overridden"]:
        yield f"as a person wants on {', '.join(facts['overridden'])}"


def _ended(content: Content) -> Iterator[str]:
    facts = content["facts"]
    code = facts.get("exit_code")
    yield f"run {facts['run']} ended: {facts.get('status', 'not heard of')}" + (
        f", exit code {code}" if code else ""
    )
    counts: dict[str, int] = {}
    for one in facts["targets"]:
        counts[one["outcome"]] = counts.get(one["outcome"], 0) + 1
    yield ", ".join(f"{count} {_words(outcome)}" for outcome, count in sorted(counts.items()))
    for row in content.get("rows", {}).get("rollouts", ()):
        yield f"the rollout is {row['state']}{', due at ' + _second(row['due_at']) if row['due_at'] else ''}"


def _target(content: Content) -> Iterator[str]:
    facts = content["facts"]
    change = f", {short(facts['before'])} → {short(facts['after'])}" if facts["after"] else ""
    yield f"{facts['target']}: {_words(facts['outcome'])}{change}"
    for row in content.get("rows", {}).get("outcomes", ()):
        yield row["message"] if isinstance(row["message"], str) else ""


def _asked(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield f"{facts['name']} asked for it, {facts['place']}"
    if facts["targets"]:
        yield f"whatever came before on {', '.join(facts['targets'])}"
    for one in facts.get("breaks", ()):
        yield f"although it {one['rule']}, on {', '.join(one['targets'])}"


def _silenced(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield f"{facts['name']} wanted it, {facts['place']}"
    for row in content["rows"]["silences"]:
        end = f"ended at {_second(row['ended_at'])}" if row["ended_at"] else f"until {_second(row['until'])}"
        # A long one is told by its hash.
        why = f": {row['reason']}" if isinstance(row["reason"], str) else ""
        yield f"{row['subject']} {row['of']} is silenced, {end}{why}"


def _frozen(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield f"{facts['name']} wanted it, {facts['place']}"
    for row in content["rows"]["freezes"]:
        # A long one is told by its hash.
        why = f": {row['reason']}" if isinstance(row["reason"], str) else ""
        what = f"{row['scope']} {_text(row['of'])}".strip()
        if row["ended_at"]:
            yield f"{what} is thawed, at {_second(row['ended_at'])}{why}"
        else:
            end = _second(row["until"]) if row["until"] else "somebody thaws it"
            yield f"{what} is frozen, until {end}{why}"


def _waits(content: Content) -> Iterator[str]:
    facts = content["facts"]
    for one in facts["targets"]:
        more = f" and {len(one['targets']) - _NAMED} more" if len(one["targets"]) > _NAMED else ""
        yield f"{', '.join(one['targets'][:_NAMED])}{more}: {one['verdict']}"
    yield "" if facts["targets"] else f"nothing waits for {facts['image']} any more"


def _decided(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield f"{facts['name']} decided it, {facts['place']}"
    yield f"for {', '.join(facts['targets'])}"
    yield facts["reason"] or ""


def _held(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield f"run {facts['run']} of {facts['image']} begins no other step: {facts['why']}"


def _restored(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield f"{facts['name']} restored {facts['file']} of {facts['created_at']}, {facts['place']}"
    yield f"its head was entry {facts['head']}, {facts['hash']}"
    if facts["flaws"]:
        yield f"{facts['flaws']} thing(s) in it were not as they were kept"


def _told(content: Content) -> Iterator[str]:
    facts = content["facts"]
    if facts["run"]:
        yield f"about run {facts['run']}"
    if "receiver" in facts:
        yield f"message {facts['message']} to {facts['receiver']}"
    if "name" in facts:
        yield f"{facts['name']} asked for it, {facts['place']}"
    for channel, result in sorted(facts.get("results", {}).items()):
        yield f"{channel}: {result}" if result == "ok" else ""
    yield facts["error"] or ""


def _routed(content: Content) -> Iterator[str]:
    facts = content["facts"]
    yield facts["topic"]
    for receiver, message in sorted(facts["receivers"].items()):
        yield f"{receiver} is told with message {message}"
    yield facts["nobody"] or ""


def _facts(content: Content) -> Iterator[str]:
    for name, value in content["facts"].items():
        if value not in (None, [], {}):
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            yield f"{name.replace('_', ' ')} {text}"


def _text(value: Any) -> Any:
    """Return a text; of a long one, an entry has no more than its hash and length."""
    return f"(a text of {value['length']} characters)" if isinstance(value, Mapping) else value


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


def _second(moment: str) -> str:
    """Return a moment to the second."""
    return f"{moment.partition('.')[0].removesuffix('Z')}Z"


def short(digest: str | None) -> str:
    """Return as much of a digest as a person tells it from others by."""
    return (digest or "nothing known")[:_SHORT]


_SAYING: Mapping[str, Callable[[Content], Iterator[str]]] = {
    kinds.EVENT_RECEIVED: _received,
    kinds.PUSH_FOUND: _answered,
    kinds.REGISTRY_ANSWERED: _answered,
    kinds.CLAIM_CONFIRMED: _answered,
    kinds.CLAIM_REJECTED: _rejected,
    kinds.PUSHES_MATCHED: _matched,
    kinds.PUSH_INSISTED: _asked,
    kinds.RUN_BEGAN: _began,
    kinds.RUN_ENDED: _ended,
    kinds.TARGET_ENDED: _target,
    kinds.TARGET_REPAIRED: _target,
    kinds.RUN_HELD: _held,
    kinds.ROLLOUT_RETRIED: _asked,
    kinds.ROLLOUT_WAITS: _waits,
    kinds.ROLLOUT_APPROVED: _decided,
    kinds.ROLLOUT_REFUSED: _decided,
    kinds.NEWS_ROUTED: _routed,
    kinds.TEAM_TOLD: _told,
    kinds.TEAM_NOT_TOLD: _told,
    kinds.SILENCE_BEGAN: _silenced,
    kinds.SILENCE_ENDED: _silenced,
    kinds.FREEZE_BEGAN: _frozen,
    kinds.FREEZE_ENDED: _frozen,
    kinds.DATABASE_RESTORED: _restored,
}
