"""``serve``: run the operator."""

import argparse
import logging
import signal
import threading
from queue import SimpleQueue

from registry_docker_updater.cli.command import Command
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.log import Log, log_to_stderr
from registry_docker_updater.cli.output import Output
from registry_docker_updater.composition import assemble
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.log_context import UNLIKE_OTHERS
from registry_docker_updater.parts import Parts
from registry_docker_updater.running import Operator
from registry_docker_updater.settings.loading import load

_log = logging.getLogger(__name__)
# The file that was read last counts.
_changing = threading.Lock()


def run(parts: Parts, _given: argparse.Namespace, _output: Output) -> int:
    """Run the operator until it is told to end."""
    log = log_to_stderr(parts.settings.log)
    # Before there is an operator there is nothing to change; it would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    operator = assemble(parts)
    signals: SimpleQueue[int] = SimpleQueue()
    threading.Thread(target=_heed, args=(signals, operator, parts, log), daemon=True).start()
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, lambda number, _: signals.put(number))
    operator.guard.prepare()
    for server in operator.servers:
        server.start()
    operator.poll.start()
    listen = parts.settings.listen
    scheme = "https" if listen.tls else "http"
    for name in parts.settings.registries:
        address = f"{scheme}://{listen.address}:{operator.servers[0].port}"
        _log.info(
            "listening on %s/events/%s; `registry-config %s` prints what to tell the registry",
            address,
            name,
            name,
        )
    if listen.api:
        _log.info("the API is asked at %s://%s:%s", scheme, listen.api.address, operator.servers[1].port)
    try:
        operator.run()
    finally:
        operator.stop()
        operator.parts.database.close()
    return 0


def _heed(signals: SimpleQueue[int], operator: Operator, parts: Parts, log: Log) -> None:
    """Do what signals ask for, in a thread of its own: a handler would wait for locks that the code holds which it interrupts."""
    while signals.get() == signal.SIGHUP:
        threading.Thread(target=_change, args=(operator, parts, log)).start()
    _log.info("ending; what is not done is done after the next start")
    operator.end()


def _change(operator: Operator, parts: Parts, log: Log) -> None:
    """Read the settings again; where they are wrong, say so, and go on with those before."""
    try:
        with _changing:
            settings = load(parts.path)
            restart = operator.change(settings)
            log.change(settings.log)
    except UpdaterError as error:
        for line in (*error.lines, "the settings before stay in force"):
            _log.error("%s", line, extra=UNLIKE_OTHERS)
        return
    _log.info(
        "the settings were read again: who may send events and who may read, the certificate, and how to log, are taken from them",
        extra=UNLIKE_OTHERS,
    )
    if restart:
        _log.warning("for what changed in %s, restart the operator", ", ".join(restart), extra=UNLIKE_OTHERS)


COMMAND = Command(
    "serve",
    "run the operator",
    (),
    run,
    about="Runs the operator: it listens for registries, scans the fleet, and rolls out what is pushed, until SIGTERM or SIGINT. SIGHUP has it read the settings again.",
    examples=("--config config.yml serve",),
    exits={Exit.DONE: "ended as it was told to", Exit.WRONG: "it cannot begin"},
)
