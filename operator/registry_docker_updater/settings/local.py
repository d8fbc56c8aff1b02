"""Settings for a first try: the engine of this machine, and nothing to write beforehand."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from registry_docker_updater.errors import UpdaterError

_SETTINGS = """\
# Made by --local. Change what you like: it is read as any other settings file, and never written again.
listen: {address: 127.0.0.1, port: 8080}
state_directory: state
registries:
  local:                          # receives at http://127.0.0.1:8080/events/local
    format: distribution
    hosts: ["localhost:5000", "127.0.0.1:5000"]
    secret: {file: secret}
fleet: {inventory: inventory.yml, scan_interval: 15s}
"""
_INVENTORY = """\
all:
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
# Who may use the engine without being root keeps the journals of unfinished updates in a place of their own.
_OF_A_USER = """\
      standalone_container_state_directory: "{{ inventory_dir }}/unfinished"
"""


def settings_file(environment: Mapping[str, str]) -> Path:
    """Return the settings of ``--local``, below ``$XDG_STATE_HOME``; make them when there are none.

    Raises :class:`UpdaterError` when nothing can be written there.
    """
    home = Path(environment.get("HOME", "/root"))
    state = Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state")
    folder = state / "registry-docker-updater"
    contents = {
        "config.yml": _SETTINGS,
        "inventory.yml": _INVENTORY if os.geteuid() == 0 else _INVENTORY + _OF_A_USER,
        "secret": secrets.token_urlsafe(24) + "\n",
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in contents.items():
            path = folder / name
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(content)
    except OSError as error:
        raise UpdaterError(
            f"--local: cannot write to {folder}: {error.strerror}; set XDG_STATE_HOME to a folder of yours"
        ) from None
    return folder / "config.yml"
