"""What a process becomes that the fork server forked: one that cannot be told from a program that was started."""

import ctypes
import importlib
import multiprocessing
import os
import pkgutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from registry_docker_updater.core.runs.results import COLLECTION
from registry_docker_updater.edges.runs import process
from registry_docker_updater.edges.runs.processes import be_called

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Ansible's own plugins that runs use; of some kinds ansible-playbook loads every one, used or not. A shop's are for each run to load: they may
# have changed. Those of variables are none that can be loaded ahead.
_SOME = {
    "action": ("assert", "debug", "fail", "group_by", "include_role", "include_tasks", "normal", "set_fact"),
    "cache": ("memory",),
    "callback": ("default", "junit", "minimal", "oneline", "tree"),
}
_EVERY = ("become", "connection", "inventory", "shell", "strategy")
_OF_TEMPLATES = ("filter", "test")
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
    """Be ansible-playbook: as it is here, or the program itself where this Ansible is made in another way than those known."""
    # Nobody would hear of it without the server.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    sys.argv = list(request["arguments"])
    with ExitStack() as stack:
        try:
            stack.enter_context(_as_if_just_imported())
        except Exception as error:
            stack.close()
            sys.stderr.write(
                f"[WARNING]: Ansible is started anew for this run, for it cannot be had ready: {error!r}\n"
            )
            sys.stderr.flush()
            os.execvp(sys.argv[0], sys.argv)  # noqa: S606
        try:
            importlib.import_module("ansible.cli.playbook").PlaybookCLI.cli_executor(sys.argv)
        finally:
            # As Python does at its end.
            for worker in multiprocessing.active_children():
                worker.join()
    return 0


@contextmanager
def _as_if_just_imported() -> Iterator[None]:
    """Have of Ansible for this run what was looked at when it was imported."""
    constants: Any = importlib.import_module("ansible.constants")
    if constants.config.get_config_value_and_origin(_POLLING)[1] == "default":
        setattr(constants, _POLLING, _POLL_SECONDS)
    # Whether this is a terminal.
    importlib.reload(importlib.import_module("ansible.utils.color"))
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")
    # The folder for temporary files is another one for each run.
    kept = Path(constants.DEFAULT_LOCAL_TMP)
    with tempfile.TemporaryDirectory(prefix=f"ansible-local-{os.getpid()}", dir=kept.parent) as folder:
        constants.DEFAULT_LOCAL_TMP = folder
        _link_modules(kept / _MODULES, Path(folder, _MODULES))
        try:
            yield
        finally:
            _link_modules(Path(folder, _MODULES), kept / _MODULES)


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
    for name in (
        "ansible.cli.playbook",
        "ansible.playbook.handler_task_include",
        "multiprocessing.synchronize",
    ):
        importlib.import_module(name)
    loaders: Any = importlib.import_module("ansible.plugins.loader")
    loaders.init_plugin_loader()
    own = f"{Path(loaders.__file__).parent}{os.sep}"
    for kind, names in (*_SOME.items(), *((kind, _own(kind)) for kind in _EVERY)):
        loader = getattr(loaders, f"{kind}_loader")
        for name in names:
            if (loader.find_plugin(name) or "").startswith(own):
                loader.get(name, class_only=True)
    constants = importlib.import_module("ansible.constants")
    for kind in _OF_TEMPLATES:
        # All at once, or none.
        if not any(Path(path).exists() for path in getattr(constants, f"DEFAULT_{kind.upper()}_PLUGIN_PATH")):
            list(getattr(loaders, f"{kind}_loader").all())
    with suppress(ImportError):
        # How Ansible writes to modules and reads from them: else each of its workers would import it.
        profiles: Any = importlib.import_module("ansible.module_utils._internal._json._profiles")
        for name in _names(profiles):
            importlib.import_module(f"{profiles.__name__}.{name}")


def _own(kind: str) -> Iterator[str]:
    yield from _names(importlib.import_module(f"ansible.plugins.{kind}"))


def _names(package: Any) -> Iterator[str]:
    yield from (found.name for found in pkgutil.iter_modules(package.__path__))
