# SPDX-License-Identifier: Apache-2.0
"""What is wrong with how notifications are set, in sentences that name the variable and show no value of a secret. Pure."""

from __future__ import annotations

import difflib
import re
from typing import Any, Callable, Collection, Iterable, Iterator, List, Mapping, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.notification.addresses import (
    is_webhook,
    what_is_wrong_with_service,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import (
    CHANNELS,
    DEFAULT,
    GIVEN,
    OURS,
    PLAIN_ONLY,
    PREFIX,
    TEMPLATES,
    TOPICS,
    channel_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.receivers import (
    Broken,
    Receiver,
    broken,
    is_set,
    receivers,
    texts,
)

_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESSES = {channel.address for channel in CHANNELS.values()}


def problems(given: Mapping[str, Any], handlers: Collection[str]) -> List[str]:
    """Return the problems of all variables ``notification_*``, with a shop's own ``handlers`` by name."""
    found = [
        *_unknown(given, handlers),
        *_broken(given),
        *_receivers(given.get(f"{PREFIX}receivers"), handlers),
    ]
    everybody = receivers(given, handlers)
    for receiver in everybody.values():
        own = _own(receiver, given)
        found += [*_lists(receiver, own, handlers), *_values(receiver, own), *_email(receiver)]
    return list(dict.fromkeys(found))


def asked_problems(asked: Any, known: Collection[str]) -> List[str]:
    """Return a problem for each receiver that somebody names and that is not there."""
    return [
        f"receiver {name!r:.100} is not there; there are {', '.join(known)}"
        for name in dict.fromkeys(texts(asked))
        if name not in known
    ]


def template_problems(folder: str, files: Iterable[str]) -> List[str]:
    """Return a problem for each file in a folder of templates whose name is none of ours, so that nobody uses it."""
    return [
        f"{folder}/{file} is no template that is used{_meant(file, TEMPLATES, 'those are ' + ', '.join(TEMPLATES))}"
        for file in sorted(files)
        if file not in TEMPLATES and not file.startswith((".", "_"))
    ]


def _unknown(given: Mapping[str, Any], handlers: Collection[str]) -> Iterator[str]:
    settings = sorted(OURS | PLAIN_ONLY)
    known = {PREFIX + name for name in (*settings, *GIVEN)}
    for name in sorted(set(given) - known):
        own = name[len(PREFIX) :]
        if name.startswith(PREFIX) and not channel_of(own, handlers):
            close = difflib.get_close_matches(own, settings, 1, 0.7)
            yield f"{name} is not known{f': did you mean {PREFIX}{close[0]}?' if close else ''}"
        elif difflib.get_close_matches(name, known, 1, 0.9) and not name.startswith(PREFIX):
            yield f"{name} is not known{_meant(name, known)}"


def _broken(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in sorted(given.items()):
        found = broken(value)
        if found and name != f"{PREFIX}receivers":
            yield f"{name}: {found.why}"


def _receivers(given: Any, handlers: Collection[str]) -> Iterator[str]:
    where = f"{PREFIX}receivers"
    if isinstance(given, Broken):
        yield f"{where}: {given.why}"
        return
    if not isinstance(given, Mapping):
        if is_set(given):
            yield f"{where} is no mapping of names to variables"
        return
    lower = [str(name).lower() for name in given]
    for name, own in given.items():
        if name == DEFAULT:
            yield f"{where} has {DEFAULT}: that one has the plain variables, {PREFIX}…"
        elif not isinstance(name, str) or not _NAME.fullmatch(name):
            yield f"{where} has the name {name!r:.100}; a name has letters, digits, and . _ - after the first"
        elif lower.count(name.lower()) > 1:
            yield f"{where} has {name} more than once, in upper and lower case"
        elif not isinstance(own, Mapping):
            yield f"{where}.{name} is no mapping of variables"
        else:
            yield from _of_receiver(name, own, handlers)


def _of_receiver(name: str, own: Mapping[Any, Any], handlers: Collection[str]) -> Iterator[str]:
    known = sorted(OURS)
    for variable, value in own.items():
        where = f"{PREFIX}receivers.{name}.{variable}"
        found = broken(value)
        if variable in PLAIN_ONLY:
            yield f"{where}: that is for the whole inventory, {PREFIX}{variable}"
        elif variable not in known and not channel_of(str(variable), handlers):
            text = str(variable)
            plain = text[len(PREFIX) :] if text.startswith(PREFIX) else text
            yield f"{where} is not known{f': did you mean {plain}?' if plain in known else _meant(text, known)}"
        elif found:
            yield f"{where}: {found.why}"


def _own(receiver: Receiver, given: Mapping[str, Any]) -> List[str]:
    """Return the variables that a receiver says itself, so that nothing inherited is told once for each."""
    if receiver.name == DEFAULT:
        return list(receiver.variables)
    return list((given.get(f"{PREFIX}receivers") or {}).get(receiver.name, ()))


def _place(receiver: Receiver, variable: str) -> str:
    return PREFIX + variable if receiver.name == DEFAULT else f"{PREFIX}receivers.{receiver.name}.{variable}"


def _lists(receiver: Receiver, own: Sequence[str], handlers: Collection[str]) -> Iterator[str]:
    """Look at the variables that are lists of names."""
    for variable in own:
        value = receiver.variables.get(variable)
        if broken(value) or value is None:
            continue
        is_topics = variable == "topics" or (variable.endswith("_topics") and channel_of(variable, handlers))
        if not is_topics and variable != "channels":
            continue
        known = TOPICS if is_topics else (*CHANNELS, *handlers)
        word = "topic" if is_topics else "channel"
        if not isinstance(value, (str, list, tuple)):
            yield f"{_place(receiver, variable)} is no list of {word}s"
        for name in texts(value):
            if name not in known:
                yield (
                    f"{_place(receiver, variable)} has an unknown {word} {name!r:.100}"
                    f"{_meant(name, known, 'those are ' + ', '.join(known))}"
                )


def _values(receiver: Receiver, own: Sequence[str]) -> Iterator[str]:
    """Look at the single values, without telling what is secret in them."""
    for variable in own:
        value = receiver.variables.get(variable)
        place = _place(receiver, variable)
        if isinstance(value, str) and not value.strip() and variable in _ADDRESSES:
            yield f"{place} is empty: nobody is told there"
        if is_set(value) and not broken(value):
            yield from (f"{place}{wrong}" for wrong in _FORMS.get(variable, _any)(value))


def _any(_: Any) -> Iterator[str]:
    yield from ()


def _webhook(value: Any) -> Iterator[str]:
    if not is_webhook(value):
        yield " is not of the form https://host/path"


def _services(value: Any) -> Iterator[str]:
    for number, url in enumerate(value if isinstance(value, (list, tuple)) else [value], 1):
        wrong = what_is_wrong_with_service(url)
        if wrong:
            yield f", entry {number}: {wrong}"


def _people(value: Any) -> Iterator[str]:
    for address in texts(value):
        if not re.search(r"[^@\s]+@[^@\s]+", address):
            yield f" has {address!r:.100}, which is no e-mail address"


def _mapping(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield " is no mapping of names to values"


def _pattern(pattern: str, otherwise: str) -> Callable[[Any], Iterator[str]]:
    def look(value: Any) -> Iterator[str]:
        if not re.fullmatch(pattern, str(value)):
            yield otherwise

    return look


_FORMS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "slack_webhook_url": _webhook,
    "teams_webhook_url": _webhook,
    "webhook_url": _webhook,
    "webhook_headers": _mapping,
    "apprise_urls": _services,
    "email_to": _people,
    "email_port": _pattern("[0-9]{1,5}", " is no port"),
    "email_encryption": _pattern("starttls|tls|none", " is none of starttls, tls, none"),
    "link": _pattern(r"https?://[^\s]+", " is not of the form https://host"),
}


def _email(receiver: Receiver) -> Iterator[str]:
    if "email" not in receiver.channels:
        return
    for variable in ("email_host", "email_from"):
        if not is_set(receiver.variables.get(variable)):
            yield f"{_place(receiver, 'email_to')} is set, but {PREFIX}{variable} is not: nobody gets an e-mail"
    variables = receiver.variables
    if is_set(variables.get("email_password")) and not is_set(variables.get("email_username")):
        yield f"{PREFIX}email_password is set, but {PREFIX}email_username is not: a login needs both"


def _meant(name: str, known: Iterable[str], otherwise: str = "") -> str:
    close = difflib.get_close_matches(name, list(known), 1, 0.7)
    if close:
        return f": did you mean {close[0]}?"
    return f"; {otherwise}" if otherwise else ""
