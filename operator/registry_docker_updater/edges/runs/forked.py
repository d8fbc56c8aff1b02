"""What a process becomes that the fork server forked: one that cannot be told from a program that was started."""

import ctypes
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from registry_docker_updater.edges.runs import process
from registry_docker_updater.edges.runs.processes import be_called

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# What a run imports when it comes to it.
_USED_BY_RUNS = (
    "ansible.executor.playbook_executor",
    "ansible.plugins.action.normal",
    "ansible.plugins.become.sudo",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.local",
    "ansible.plugins.connection.ssh",
    "ansible.plugins.inventory.host_list",
    "ansible.plugins.inventory.ini",
    "ansible.plugins.inventory.yaml",
    "ansible.plugins.shell.sh",
    "ansible.plugins.strategy.free",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.vars.host_group_vars",
)


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
    # Whether this is a terminal was looked at when this was imported.
    importlib.reload(importlib.import_module("ansible.utils.color"))
    # So was the folder for temporary files made, which is another one for each run.
    with tempfile.TemporaryDirectory(
        prefix=f"ansible-local-{os.getpid()}", dir=Path(constants.DEFAULT_LOCAL_TMP).parent
    ) as folder:
        constants.DEFAULT_LOCAL_TMP = folder
        sys.argv = list(request["arguments"])
        try:
            importlib.import_module("ansible.cli.playbook").PlaybookCLI.cli_executor(sys.argv)
        finally:
            # As Python does at its end.
            for worker in multiprocessing.active_children():
                worker.join()
    return 0


_CAN_BE: dict[str, Callable[[Mapping[str, Any]], int]] = {"run": _run, "playbook": _play}


def import_ansible() -> None:
    """Import what runs use."""
    for name in ("ansible.cli.playbook", *_USED_BY_RUNS):
        importlib.import_module(name)
