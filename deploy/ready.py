"""Whether the operator in this container is well: its health check, quick, for it runs every few seconds.

Until it was ready once it is asked whether it is ready, and from then on whether it lives: nobody is to end an operator because
a disk is full. Exits with 0 where it is well, else with 1 and a sentence.
"""

import os
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_WAS_READY = Path("/tmp/was-ready")  # noqa: S108 - of this container alone
_SECONDS = 4
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


def main() -> int:
    """Ask once."""
    start = _start()
    try:
        listen = _listen()
        was_ready = _WAS_READY.exists() and _WAS_READY.read_text() == start
        _ask(listen, "/healthz" if was_ready else "/readyz")
        if not was_ready:
            _WAS_READY.write_text(start)
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {error.read(1000).decode(errors='replace')}")
        return 1
    except (OSError, ValueError, yaml.YAMLError) as error:
        print(error)
        return 1
    return 0


def _ask(listen: Mapping[str, Any], path: str) -> None:
    host, port = str(listen.get("address", "0.0.0.0")), int(listen.get("port", 8080))  # noqa: S104
    host, tls = _HERE.get(host, host), listen.get("tls") or {}
    if tls.get("clients"):
        # It hears only who has a certificate; that the port is open is all that others are to know.
        socket.create_connection((host, port), _SECONDS).close()
        return
    # The certificate is for another name, and this is the same container.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}{path}"
    urllib.request.urlopen(url, timeout=_SECONDS, context=context).close()  # noqa: S310 - one of two schemes


def _listen() -> Mapping[str, Any]:
    """Return what the settings say of listening, nothing where the operator did not make any yet."""
    places = (
        os.environ.get("REGISTRY_DOCKER_UPDATER_CONFIG", "/etc/registry-docker-updater/config.yml"),
        # Those of --local.
        os.environ.get("XDG_STATE_HOME", "/var/lib") + "/registry-docker-updater/config.yml",
    )
    path = next((place for place in places if Path(place).is_file()), None)
    settings = yaml.safe_load(Path(path).read_text()) if path else None
    listen = settings.get("listen") if isinstance(settings, dict) else None
    return listen if isinstance(listen, dict) else {}


def _start() -> str:
    """Return what is another one after each start of the container: when its first process began, in ticks (proc_pid_stat(5))."""
    return Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]


if __name__ == "__main__":
    sys.exit(main())
