# SPDX-License-Identifier: Apache-2.0
"""What came of telling each channel, of what its task registered. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Sequence

OK = "ok"
_HIDDEN = "(hidden)"
_LONGEST = 300
# Shorter values are words, and no secrets.
_SHORTEST_SECRET = 6


def results(
    answers: Mapping[str, Mapping[str, Any]], refused: Mapping[str, str], secrets: Sequence[str]
) -> Dict[str, str]:
    """Return "ok", or "failed: " and why, for each channel; ``refused`` are those that could not be tried.

    None of the ``secrets`` is told, in whatever text of others it stands, nor anything that could be taken for a template.
    """
    found = {channel: f"failed: {why}" for channel, why in refused.items()}
    return {**found, **{channel: _result(answer, secrets) for channel, answer in answers.items()}}


def retry_after(answers: Mapping[str, Mapping[str, Any]]) -> Dict[str, int]:
    """Return the seconds that the other side asks to wait, for each channel where it does."""
    asked = {channel: answer.get("retry_after") for channel, answer in answers.items()}
    return {channel: seconds for channel, seconds in asked.items() if isinstance(seconds, int)}


def _result(answer: Mapping[str, Any], secrets: Sequence[str]) -> str:
    if answer.get("sent") is True or "accepted" in answer:
        return OK
    why = answer.get("reason") or _cause(str(answer.get("msg") or "")) or "it was not tried"
    return f"failed: {shown(str(why), secrets)}"


def _cause(text: str) -> str:
    """Return what Ansible says of a task that failed before its module ran, without the words around it."""
    before, found, cause = text.partition("Error while resolving value for ")
    if found and before:
        return f"the template fails: {cause.partition(': ')[2]}"
    # So said ansible-core before 2.19, with the place in the file in the lines after it.
    _, found, cause = text.partition(" with an undefined variable.. ")
    return f"the template fails: {cause.splitlines()[0]}" if found and cause else text


def shown(text: str, secrets: Sequence[str]) -> str:
    """Return ``text`` in one line, without ``secrets``, of a length that can be read."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    line = " ".join(re.sub("[\x00-\x1f\x7f-\x9f]", " ", text).split())
    inert = line.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
    return inert if len(inert) <= _LONGEST else inert[: _LONGEST - 1] + "…"


def secrets_in(value: Any) -> List[str]:
    """Return every text in ``value``, and the parts of addresses by which somebody could send, or log in."""
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in secrets_in(inner)]
    if isinstance(value, (list, tuple)):
        return [text for inner in value for text in secrets_in(inner)]
    if not isinstance(value, str):
        return []
    address = re.fullmatch(r"[a-z0-9+.-]+://(?:([^/@]*)@)?[^/]*(.*)", value, re.IGNORECASE | re.DOTALL)
    parts = [value, *(re.split("[/?&=:#]", ":".join(filter(None, address.groups()))) if address else ())]
    return sorted({part for part in parts if len(part) >= _SHORTEST_SECRET})
