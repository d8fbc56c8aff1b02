"""What a playbook run gets of the operator's environment; the operator's own secrets are not among it."""

import os
import sys
from collections.abc import Collection, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path

_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "TMPDIR", "TZ", "USER")
_INHERITED_PREFIX = "ANSIBLE_"
# How a run prints is not the shop's: the operator reads it.
_NOT_INHERITED = ("ANSIBLE_STDOUT_CALLBACK",)
# A source that is broken today would else be taken for hosts that have left the inventory.
_CAREFUL = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
# What a shop's messages are made of is no inventory, should it lie in the inventory's folder; and where a shop says what is none.
_NO_HOSTS = {"ANSIBLE_INVENTORY_IGNORE_REGEX": "^notification_(handlers|templates)$"}
_PATTERNS = (("defaults", "inventory_ignore_patterns"), ("inventory", "ignore_patterns"))
# The operator's own playbooks lie in site-packages.
_FINDS_US = {"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "true"}
# What a shop's ansible.cfg may say for people at a terminal. Nobody is here to answer, and what is printed is kept.
_UNATTENDED = dict.fromkeys(
    (
        "ANSIBLE_ASK_PASS",
        "ANSIBLE_ASK_VAULT_PASS",
        "ANSIBLE_BECOME_ASK_PASS",
        "ANSIBLE_DEBUG",  # prints secrets, those of tasks with no_log too
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT",  # prints what modules are given, passwords too
        "ANSIBLE_ENABLE_TASK_DEBUGGER",
    ),
    "false",
)
# None of our tasks is left out, whatever an ansible.cfg says of tags: all that it leaves out would look as if it were well.
_WHOLE = {"ANSIBLE_RUN_TAGS": "all", "ANSIBLE_SKIP_TAGS": ""}


def environment_of_runs(
    environment: Mapping[str, str], folder: Path, passed: Collection[str] = ()
) -> dict[str, str]:
    """Return what runs in ``folder`` get of ``environment``: what every program needs, what is Ansible's, and what is ``passed``."""
    inherited = {
        name: value
        for name, value in environment.items()
        if name in (*_INHERITED, *passed)
        or (name.startswith(_INHERITED_PREFIX) and name not in _NOT_INHERITED)
    }
    beside_python = str(Path(sys.executable).parent)
    path = f"{beside_python}:{inherited.get('PATH', os.defpath)}"
    ignored = {} if _says_what_to_ignore(folder, inherited) else _NO_HOSTS
    return {**_CAREFUL, **ignored, **inherited, **_UNATTENDED, **_WHOLE, **_FINDS_US, "PATH": path}


def ansible_cfg(folder: Path, environment: Mapping[str, str]) -> Path | None:
    """Return the one ``ansible.cfg`` that Ansible takes for runs in ``folder``, the first of these places; None where there is none."""
    named = environment.get("ANSIBLE_CONFIG")
    given = Path(os.path.expandvars(named)).expanduser() if named else None
    places = (
        *((given / "ansible.cfg" if given.is_dir() else given,) if given else ()),
        folder / "ansible.cfg",
        Path(environment.get("HOME", "~"), ".ansible.cfg"),
        Path("/etc/ansible/ansible.cfg"),
    )
    return next((path for path in places if path.exists()), None)


def _says_what_to_ignore(folder: Path, environment: Mapping[str, str]) -> bool:
    """Tell whether the shop has patterns of its own of what is no inventory: the environment would take their place."""
    path = ansible_cfg(folder, environment)
    settings = ConfigParser(interpolation=None, strict=False)
    try:
        settings.read([path] if path else [])
    except (ConfigParserError, OSError, UnicodeDecodeError):
        # Ansible says what is wrong with it.
        return True
    return any(settings.has_option(section, option) for section, option in _PATTERNS)
