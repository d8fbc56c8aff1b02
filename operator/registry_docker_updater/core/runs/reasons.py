"""Why a run or a host's task failed, in a sentence: read from what Ansible, and what it started, printed."""

import re
from collections.abc import Mapping
from typing import Any

_PYTHON = (
    "if the host's Python is missing, older than 3.8 or a pyenv shim, name another one with ansible_python_interpreter"
    " in the inventory"
)
# What to do about reasons of Ansible's that contain these words.
_REMEDIES = {
    "vault secrets": (
        "name the file of the right vault password: vault_password_file in the ansible.cfg beside the operator's"
        " settings, or ANSIBLE_VAULT_PASSWORD_FILE in its environment"
    ),
    "Unsupported parameters for (registry.docker_updater.": (
        "the variable docker_engine of the inventory may hold what opens an engine, and nothing else"
    ),
    "Error reading config file": "put it right; `ansible-config dump` in its folder tells whether Ansible can read it",
    "No start of json char found": _PYTHON,
    "module interpreter": _PYTHON,
    # Of ansible-core before 2.19.
    "MODULE FAILURE": _PYTHON,
    "The module failed to execute correctly": _PYTHON,
    "requires a minimum of Python": _PYTHON,
}
# How Ansible prints an error: before 2.19 in the second way, and in others where its options are wrong.
_ERROR = re.compile(r"^(?:\[ERROR\]: |ERROR! |ERROR: |ansible(?:-\w+)?: error: )(.*)", re.MULTILINE)
# Why a source of the inventory cannot be read is only a warning of each plugin that tried, and where, of some.
_UNREAD = re.compile(r"^\[WARNING\]: (Failed to parse inventory with .*)", re.MULTILINE)
# Before 2.19 over several lines, with the place among them.
_UNREAD_BEFORE = re.compile(
    r"^\[WARNING\]:  \* (Failed to\s+parse\s.*?)(?=^\[|^ERROR)", re.MULTILINE | re.DOTALL
)
_ORIGIN = re.compile(r"^Origin: (\S+:\d+:\d+)$", re.MULTILINE)
# How a Python program that broke ends. The lines before show its source, and what that was given.
_EXCEPTION = re.compile(r"^(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Interrupt)(?:: .*)?$", re.MULTILINE)
# ssh says so of every program that had a terminal.
_CLOSED = re.compile(r"(?:Shared c|C)onnection to \S+ closed\.?", re.IGNORECASE)
_COMMAND = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)")
_SEE_OUTPUT = "See stdout/stderr for the exact error"
_LAST_LINES, _LONGEST = 5, 400


def of_result(result: Mapping[str, Any]) -> str:
    """Return why a module failed: in its words, without Ansible's before them, or by what it printed instead."""
    text = str(result.get("msg") or "no reason given").strip()
    text = text.removeprefix("Task failed: ").removeprefix("Module failed: ")
    text = text.removesuffix(_SEE_OUTPUT).rstrip()
    printed = last_words(result.get("module_stdout"), result.get("module_stderr"))
    return with_remedy(f"{text.rstrip('.')}; printed instead: {printed}" if printed else text)


def of_run(*printed: str) -> str:
    """Return why Ansible gave up: what it called errors in what it printed, or else the last that was printed."""
    text = _COMMAND.sub("", "\n".join(printed))
    found = _ERROR.findall(text)
    if any("parse inventory source" in one for one in found):
        found += [
            *_UNREAD.findall(text),
            *(" ".join(one.split()) for one in _UNREAD_BEFORE.findall(text)),
            *(f"see {place}" for place in _ORIGIN.findall(text)),
        ]
    return with_remedy("; ".join(dict.fromkeys(one.strip() for one in found)) or last_words(*printed))


def last_words(*printed: Any) -> str:
    """Return the end of what a program printed, as one line of bounded length: of a traceback, what broke."""
    text = _COMMAND.sub("", "\n".join(str(one or "") for one in printed))
    broke = list(_EXCEPTION.finditer(text))
    lines = [_plain(line) for line in text[broke[-1].start() if broke else 0 :].splitlines()]
    said = [line for line in lines if line and not _CLOSED.fullmatch(line)]
    line = " ".join(said if broke else said[-_LAST_LINES:])
    if len(line) <= _LONGEST:
        return line
    # Of an exception the beginning says what it is.
    return f"{line[:_LONGEST]}…" if broke else f"…{line[-_LONGEST:]}"


def with_remedy(reason: str) -> str:
    """Return what Ansible gave as a reason, with what to do about it where Ansible does not say that."""
    remedy = next((remedy for words, remedy in _REMEDIES.items() if words in reason), None)
    return f"{reason.rstrip('.')} ({remedy})" if remedy else reason


def _plain(line: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in line).split())
