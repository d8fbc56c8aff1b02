# SPDX-License-Identifier: Apache-2.0
"""The registry credentials of a host: given by the inventory, or read from the host's Docker configuration.

What is found is checked for form before it is sent: a swarm manager stores what it cannot decode, and the
nodes fail to pull much later. Nothing here ever puts a secret into a message.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json

# Docker Hub's key in configuration files is this URL, whatever name an image is written with.
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
# What a key names of a registry: old clients, and people, write it as a URL or with a path.
_HOST_OF_KEY = re.compile(r"(?:[^/]*://)?(?:[^/?#@]*@)?([^/?#]*)")
_HELPER_SECONDS = 30


# Option ``credentials`` of every module that pulls, or has others pull.
CREDENTIALS_OPTION: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    # Only the password is a secret: Ansible blots out every text of a no_log option wherever it occurs in the
    # result, and the name of a user is often part of a container's or an image's.
    "no_log": False,
    "options": {
        "registry": {"type": "str", "required": True},
        "account": {
            "type": "dict",
            "required": True,
            "options": {
                "username": {"type": "str", "required": True},
                "password": {"type": "str", "required": True, "no_log": True},
            },
        },
    },
}


def accounts_by_registry(given: Sequence[Mapping[str, Any]]) -> Dict[str, Mapping[str, Any]]:
    """Return the accounts of :data:`CREDENTIALS_OPTION` by their registries."""
    return {entry["registry"]: entry["account"] for entry in given}


class BadCredentials(Exception):
    """Credentials exist and cannot be used; the message says which and why, without the secret."""


def find_credentials(
    host: str, given: Optional[Mapping[str, Any]] = None, config_directory: Optional[str] = None
) -> Optional[Dict[str, str]]:
    """Return what X-Registry-Auth is made of for registry ``host``, or None where nothing is configured.

    ``given`` is ``{username, password}`` from the inventory and comes first. ``config_directory`` is where
    ``config.json`` lies (default: ``$DOCKER_CONFIG``, then ``~/.docker``). In it ``credHelpers``, ``credsStore``
    and ``auths`` are asked in the order of docker's own client (docker/cli, config/configfile).
    Raises :class:`BadCredentials`.
    """
    if given:
        return _account(host, given.get("username"), given.get("password"))
    directory = config_directory or os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    path = os.path.join(directory, "config.json")
    config = _read_config(path)
    helpers, auths = (_object(config.get(name), f"{name} in {path}") for name in ("credHelpers", "auths"))
    key = _DOCKER_HUB_KEY if host == "docker.io" else host
    # A helper without a name switches the store off for its host.
    helper = next((helpers[name] for name in (key, host) if name in helpers), config.get("credsStore"))
    if helper:
        return _ask_helper(helper, key, host)
    entry = _entry(auths, key)
    return _from_entry(_object(entry, f"auths for {host} in {path}"), host)


def _account(host: str, username: Any, password: Any) -> Dict[str, str]:
    for name, value in (("username", username), ("password", password)):
        if not isinstance(value, str) or not value:
            raise BadCredentials(f"the credentials for {host} have no {name}")
    return {"username": username, "password": password, "serveraddress": host}


def _read_config(path: str) -> Mapping[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            config = decode_json(file.read())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadCredentials(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise BadCredentials(f"{path} is not valid JSON") from None
    if config is None:
        raise BadCredentials(f"{path} is not a JSON object")
    return _object(config, path)


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise BadCredentials(f"{what} is not a JSON object")
    return value or {}


def _entry(auths: Mapping[str, Any], key: str) -> Any:
    """Return what ``auths`` holds under ``key``, else under another way to write the same host.

    That is how docker's client looks (docker/cli, ConvertToHostname), which heeds upper case.
    """
    if key in auths:
        return auths[key]
    return next((entry for name, entry in auths.items() if entry and _host_of(name) == key.lower()), None)


def _host_of(key: str) -> str:
    match = _HOST_OF_KEY.match(key)
    return match.group(1).lower() if match else ""


def _from_entry(entry: Mapping[str, Any], host: str) -> Optional[Dict[str, str]]:
    """Return what an entry of ``auths`` holds; `docker logout`, and tools, leave entries that hold nothing."""
    # A registry token comes before all else, as in the engine.
    for kind in ("registrytoken", "identitytoken"):
        if entry.get(kind):
            return _token(kind, entry[kind], host)
    if entry.get("auth"):
        return _decode(entry["auth"], host)
    if entry.get("username") or entry.get("password"):
        return _account(host, entry.get("username"), entry.get("password"))
    return None


def _token(kind: str, value: Any, host: str) -> Dict[str, str]:
    if not isinstance(value, str):
        raise BadCredentials(f"the {kind} for {host} is not a text")
    return {kind: value, "serveraddress": host}


def _decode(text: str, host: str) -> Dict[str, str]:
    try:
        username, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (ValueError, TypeError):
        raise BadCredentials(f"the stored credentials for {host} are not base64 of user:password") from None
    return _account(host, username, password.rstrip("\0"))


def _ask_helper(helper: Any, key: str, host: str) -> Optional[Dict[str, str]]:
    if not isinstance(helper, str):
        raise BadCredentials(f"the name of the credential helper for {host} is not a text")
    program = "docker-credential-" + helper
    try:
        done = subprocess.run(
            [program, "get"],
            input=key.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise BadCredentials(f"credential helper {program} for {host}: {type(error).__name__}") from None
    if done.returncode:
        # Helpers tell "not found" by this sentence on standard output (docker-credential-helpers, credentials/error.go).
        if b"credentials not found" in done.stdout:
            return None
        raise BadCredentials(f"credential helper {program} for {host} ended with code {done.returncode}")
    try:
        answer = decode_json(done.stdout)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError):
        raise BadCredentials(f"credential helper {program} for {host} gave no Username and Secret") from None
    if username == secret == "":  # how some say that they know nothing
        return None
    if username == "<token>":
        return _token("identitytoken", secret, host)
    return _account(host, username, secret)
