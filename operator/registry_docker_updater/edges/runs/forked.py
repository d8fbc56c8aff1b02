"""What a process becomes that the fork server forked: one that cannot be told from a program that was started."""

import ctypes
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from registry_docker_updater.core.runs.results import COLLECTION
from registry_docker_updater.edges.runs import process
from registry_docker_updater.edges.runs.processes import be_called

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# What runs use, by the names of Ansible's loaders. Those of variables are none that can be loaded ahead.
_PLUGINS = {
    "action": ("assert", "debug", "fail", "group_by", "include_role", "include_tasks", "normal", "set_fact"),
    "become": ("sudo",),
    "cache": ("memory",),
    "callback": ("default",),
    "connection": ("local", "ssh"),
    "inventory": ("auto", "constructed", "host_list", "ini", "script", "toml", "yaml"),
    "shell": ("sh",),
    "strategy": ("free", "linear"),
}
# How often Ansible looks whether a host has answered: by default a thousand times a second, for all the time that updates take.
_POLLING, _POLL_SECONDS = "DEFAULT_INTERNAL_POLL_INTERVAL", 0.01
# Where Ansible keeps what it sends to hosts, in its folder for temporary files, and which of it is ours.
_MODULES = "ansiballz_cache"
_OURS = f"ansible_collections.{COLLECTION}.*"


def become(request: Mapping[str, Any]) -> NoReturn:
    """In the child: be the process that was asked for, to its end."""
    code = 1
    try:
        os.setsid()
        os.umask(0o077)
        os.environ.clear()
        os.environ.update(request["environment"])
        be_called(request["title"])
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, buffering=1, encoding="utf-8", errors="surrogateescape", closefd=False)
            for number, mode in enumerate(("r", "w", "w"))
        )
        code = _CAN_BE[request["kind"]](request)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        # What the server has registered for its own end is not the child's.
        os._exit(code)


def _run(request: Mapping[str, Any]) -> int:
    """Be the process in which ansible-runner works."""
    process.main(Path(request["folder"]))
    return 0


def _play(request: Mapping[str, Any]) -> int:
    """Be ansible-playbook."""
    # Nobody would hear of it without the server.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    constants: Any = importlib.import_module("ansible.constants")
    if constants.config.get_config_value_and_origin(_POLLING)[1] == "default":
        setattr(constants, _POLLING, _POLL_SECONDS)
    # Whether this is a terminal was looked at when this was imported.
    importlib.reload(importlib.import_module("ansible.utils.color"))
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")
    # So was the folder for temporary files made, which is another one for each run.
    kept = Path(constants.DEFAULT_LOCAL_TMP)
    with tempfile.TemporaryDirectory(prefix=f"ansible-local-{os.getpid()}", dir=kept.parent) as folder:
        constants.DEFAULT_LOCAL_TMP = folder
        _link_modules(kept / _MODULES, Path(folder, _MODULES))
        sys.argv = list(request["arguments"])
        try:
            importlib.import_module("ansible.cli.playbook").PlaybookCLI.cli_executor(sys.argv)
        finally:
            # As Python does at its end.
            for worker in multiprocessing.active_children():
                worker.join()
            _link_modules(Path(folder, _MODULES), kept / _MODULES)
    return 0


def _link_modules(source: Path, target: Path) -> None:
    """Have in ``target``, too, what ``source`` holds of our modules as they are sent to hosts: packing one takes its time."""
    target.mkdir(mode=0o700, exist_ok=True)
    for packed in source.glob(_OURS):
        if packed.suffix != ".lock":
            with suppress(FileExistsError):
                os.link(packed, target / packed.name)


_CAN_BE: dict[str, Callable[[Mapping[str, Any]], int]] = {"run": _run, "playbook": _play}


def import_ansible() -> None:
    """Import what runs use."""
    importlib.import_module("ansible.cli.playbook")
    loaders = importlib.import_module("ansible.plugins.loader")
    loaders.init_plugin_loader()
    for kind, names in _PLUGINS.items():
        for name in names:
            getattr(loaders, f"{kind}_loader").get(name, class_only=True)
