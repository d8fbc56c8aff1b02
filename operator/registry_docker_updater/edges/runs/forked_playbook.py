"""What ansible-runner starts in place of ``ansible-playbook``: asks the fork server for one, and ends as that does.

Where the server does not give one, because it was prepared in another environment or is gone, this becomes
``ansible-playbook`` itself. It imports little, for it is started with each run.
"""

import json
import os
import signal
import socket
import sys

# Where the fork server listens.
FORK_SERVER = "REGISTRY_DOCKER_UPDATER_FORK_SERVER"
_PROGRAM = "ansible-playbook"
_LARGEST = 1 << 16


def main() -> None:
    """Be, or have, ansible-playbook."""
    arguments = [_PROGRAM, *sys.argv[1:]]
    path = os.environ.pop(FORK_SERVER, "")
    code = _have_it(path, arguments) if path else None
    if code is None:
        os.execvp(_PROGRAM, arguments)  # noqa: S606
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _have_it(path: str, arguments: list[str]) -> int | None:
    """Return how it ended, or None where there is none. Ended itself, this asks for its end and waits for that."""
    request = {
        "kind": "playbook",
        "arguments": arguments,
        "title": " ".join(arguments),
        "environment": dict(os.environ),
        "cwd": os.getcwd(),  # noqa: PTH109 - importing pathlib takes as long as all the rest
        # ansible-runner's folder of events is two below that of the run.
        "folder": os.environ.get("AWX_ISOLATED_DATA_DIR", "").rsplit("/", 2)[0],
    }
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        server.connect(path)
        socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
        if not server.recv(_LARGEST):
            return None
    except OSError:
        return None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.shutdown(socket.SHUT_WR))
    try:
        ended = server.recv(_LARGEST)
    except OSError:
        ended = b""
    # Without a word of its end it was killed, with the server.
    return json.loads(ended)["exit"] if ended else -signal.SIGKILL


if __name__ == "__main__":
    main()
