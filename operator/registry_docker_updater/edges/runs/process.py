"""The process of one playbook run: the only place that touches ansible-runner.

Forked by :mod:`fork_server` with a private directory that holds ``request.json``. Writes one line of JSON for each
result of a module that says something, where that is asked for one for each task that a host begins, and a last one with the
status and exit code, and with what was printed where no module said anything. Ends the run when standard input ends.
"""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from configparser import ConfigParser
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from ansible.config.manager import ConfigManager, find_ini_config_file
from ansible_runner.interface import init_runner
from ansible_runner.runner import Runner

from registry_docker_updater.core.runs.results import COLLECTION
from registry_docker_updater.edges.runs import forked_playbook
from registry_docker_updater.edges.runs.directories import REQUEST, forget_environment, note_process
from registry_docker_updater.edges.runs.forked_playbook import FORK_SERVER
from registry_docker_updater.edges.runs.kept_events import KeptEvents
from registry_docker_updater.edges.runs.processes import end_children

# What is read of a module's result; the whole of it is in the kept events.
_READ = (
    "after",
    "before",
    "held",
    "id",
    "kind",
    "left_alone",
    "log",
    "message",
    "module_stderr",
    "module_stdout",
    "msg",
    "name",
    "outcome",
    "repairs",
    "scan",
    "stages",
)
# What our modules say of each of several targets.
_OURS, _SEVERAL = f"{COLLECTION}.", ("containers", "services")
# What the controller's half of the module that looks has put there: how the operator may open the engine itself, and the
# groups of the host, and what the inventory says of when and whether its targets are updated.
_OF_THE_CONTROLLER, _LOOK = ("groups", "live", "policy"), f"{COLLECTION}.targets_info"
_RESULTS = frozenset(
    (
        "runner_on_ok",
        "runner_on_failed",
        "runner_on_unreachable",
        "runner_on_async_ok",
        "runner_on_async_failed",
        "runner_item_on_ok",
        "runner_item_on_failed",
    )
)
# That the variables of a role are right is no word of a host.
_CHECK_OF_VARIABLES = "ansible.builtin.validate_argument_spec"
# Of what a module printed that returned nothing; the end says why.
_PRINTED = ("module_stderr", "module_stdout")
_LONGEST = 20_000
_READY, _STATISTICS, _TASK = "playbook_on_start", "playbook_on_stats", "runner_on_start"
# Of the name of a task, which people are shown.
_LONGEST_NAME = 200
# How many hosts at the same time, where the shop says nothing: Ansible's own five would have a fleet wait in a queue.
_FORKS = 25
# Ansible keeps connections open between tasks and runs. On one to a host that has gone, ssh would wait for as long
# as TCP does, a quarter of an hour.
_NOTICE_DEAD_HOSTS = "-o ServerAliveInterval=5 -o ServerAliveCountMax=3"
# Longer than from one scan to the next where they come often: a new connection costs more than all else of a scan, and a push that comes
# finds them open. How many there are is bounded by what scans may take of a processor. Else as Ansible has it.
_KEEP_CONNECTIONS = "-C -o ControlMaster=auto -o ControlPersist=150s"


def main(directory: Path) -> None:
    """Run what ``directory`` asks for."""
    note_process(directory)
    request = json.loads((directory / REQUEST).read_text())
    # Ansible and its plugins may print; only messages may go where the operator reads.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    orphaned = threading.Event()
    threading.Thread(target=_wait_for_end_of_input, args=(orphaned,), daemon=True).start()
    deadline = time.monotonic() + request["timeout"]
    statistics: dict[str, Any] = {}
    events = KeptEvents(directory, request["asked"]["kept"], Path(request["collection"]))
    ready: list[str] = []
    handed_on = _RESULTS | {_TASK} if request["tells_tasks"] else _RESULTS
    printed, has_told = "", False

    def handle(event: dict[str, Any]) -> bool:
        """Keep an event, so that ansible-runner need not, and hand on what it says."""
        nonlocal printed, has_told
        # At once, for a run may be killed. It holds secrets.
        forget_environment(directory)
        kept = events.keep(event)
        data = event.get("event_data") or {}
        if event["event"] == _READY:
            ready.append(event["created"])
        if event["event"] == _STATISTICS:
            statistics.update(data.get("artifact_data") or {})
        elif event["event"] in handed_on and not data.get("ignore_errors"):
            has_told |= _tell(out, event["event"], data, _seconds(ready, event["created"]))
        if not has_told and kept.get("stdout"):
            printed = f"{printed}{kept['stdout']}\n"[-_LONGEST:]
        return False

    def is_to_end() -> bool:
        if not orphaned.is_set() and time.monotonic() < deadline:
            return False
        end_children(os.getpid())
        return True

    fork_server = os.environ.pop(FORK_SERVER, "")
    runner = _runner(directory, request["run"], event_handler=handle, cancel_callback=is_to_end)
    if fork_server:
        runner.config.command[:1] = [sys.executable, "-I", "-S", forked_playbook.__file__]
        runner.config.env[FORK_SERVER] = fork_server
    status, code = runner.run()
    exit_code = None if status == "canceled" else code
    if status == "canceled" and not orphaned.is_set():
        status = "timeout"
    forget_environment(directory)
    events.close()
    end = {"status": status, "exit_code": exit_code, "statistics": statistics}
    out.write(json.dumps({**end, "printed": "" if has_told else printed}) + "\n")


def environment_of_playbooks() -> dict[str, str]:
    """Return the environment in which ansible-runner, in this one, starts ansible-playbook."""
    with tempfile.TemporaryDirectory(prefix="rdu-") as directory:
        nothing = {"playbook": "none.yml", "inventory": "none.yml", "project_dir": str(Path.cwd())}
        return dict(_runner(Path(directory), nothing).config.env)


def _runner(directory: Path, request: Mapping[str, Any], **handlers: Any) -> Runner:
    # ansible-runner puts its own folder in place of those that the shop's ansible.cfg names.
    os.environ["ANSIBLE_CALLBACK_PLUGINS"] = _callbacks_of_the_shop()
    if "ANSIBLE_FORKS" not in os.environ and not _shop_says("defaults", "forks"):
        request = {"forks": _FORKS, **request}
    runner: Runner = init_runner(
        private_data_dir=str(directory),
        ident="run",
        settings={
            "pexpect_timeout": 1,  # how often it asks whether to end
            "suppress_output_file": True,  # the events hold what is printed
        },
        fact_cache_type="as the shop says",
        quiet=True,
        **request,
        **handlers,
    )
    # ansible-runner turns the check of host keys off where nothing is said; that is for the shop's own settings to say.
    if "ANSIBLE_HOST_KEY_CHECKING" not in os.environ:
        runner.config.env.pop("ANSIBLE_HOST_KEY_CHECKING", None)
    for key, ours in (("ssh_args", _KEEP_CONNECTIONS), ("ssh_extra_args", _NOTICE_DEAD_HOSTS)):
        if not _shop_says("ssh_connection", key):
            runner.config.env.setdefault(f"ANSIBLE_{key.upper()}", ours)
    return runner


@cache
def _callbacks_of_the_shop() -> str:
    # Once in the fork server, for all runs: reading Ansible's settings takes its time.
    return ":".join(ConfigManager().get_config_value("DEFAULT_CALLBACK_PLUGIN_PATH"))


def _shop_says(section: str, key: str) -> bool:
    """Tell whether the shop's ``ansible.cfg`` sets ``key``; what it says is left alone."""
    path = find_ini_config_file()
    shop = ConfigParser(interpolation=None)
    if path:
        # As Ansible reads it: what is no UTF-8 in a comment breaks nothing.
        shop.read_string(Path(os.fsdecode(path)).read_text("utf-8", errors="surrogateescape"))
    return shop.has_option(section, key)


def _seconds(ready: list[str], now: str) -> float | None:
    """Return for how long ansible-playbook has been at work."""
    return (datetime.fromisoformat(now) - datetime.fromisoformat(ready[0])).total_seconds() if ready else None


def _tell(out: Any, event: str, data: dict[str, Any], ready: float | None) -> bool:
    """Hand on what a result says, or that a task begins; return whether a module said anything."""
    if event in ("runner_on_ok", _TASK) and data.get("task_action") == _CHECK_OF_VARIABLES:
        return False
    if event == _TASK:
        # Many hosts begin many tasks: no more of each than what people are shown.
        task = str(data.get("task", ""))[:_LONGEST_NAME]
        out.write(json.dumps({"host": data.get("host", ""), "task": task}) + "\n")
        return False
    result = data.get("res") or {}
    # What is said of several targets at once is handed on as the items of a loop would be.
    several = _several(result) if str(data.get("task_action")).startswith(_OURS) else []
    for one in several:
        end = "runner_item_on_failed" if one.get("failed") else "runner_item_on_ok"
        _write(out, end, data, _read(one, ready))
    read = _read(result, ready)
    if data.get("task_action") == _LOOK:
        read |= {name: result[name] for name in _OF_THE_CONTROLLER if name in result}
    says = bool(read) or event == "runner_on_unreachable"
    if says:
        _write(out, event, data, read)
    return says or bool(several)


def _several(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    said = (result.get(name) for name in _SEVERAL)
    return [one for items in said if isinstance(items, list) for one in items if isinstance(one, dict)]


def _read(result: Mapping[str, Any], ready: float | None) -> dict[str, Any]:
    read = {name: result[name] for name in _READ if name in result}
    if isinstance(read.get("stages"), dict):
        read["stages"] = {**read["stages"], "ready": ready}
    return read | {name: str(read[name])[-_LONGEST:] for name in _PRINTED if name in read}


def _write(out: Any, event: str, data: Mapping[str, Any], read: Mapping[str, Any]) -> None:
    message = {
        "host": data.get("host", ""),
        "event": event,
        "action": data.get("task_action", ""),
        # Only where it differs from how the task has it is a role's whole name told.
        "role": data.get("resolved_role") or data.get("role") or "",
        "result": read,
    }
    out.write(json.dumps(message) + "\n")


def _wait_for_end_of_input(orphaned: threading.Event) -> None:
    # Not through sys.stdin: its lock, held by this thread, would hinder the process from ending.
    while os.read(0, 4096):
        pass
    orphaned.set()
