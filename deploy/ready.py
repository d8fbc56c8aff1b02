"""Whether the operator in this container is well: its health check, quick, for it runs every few seconds.

Until it was ready once it is asked whether it is ready, and from then on whether it lives: nobody is to end an operator because
a disk is full. Exits with 0 where it is well, else with 1 and a sentence.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# As long as the container runs: a restart is one of the processes, whose folder is another one in proc.
_WAS_READY = Path("/tmp/was-ready")  # noqa: S108 - of this container alone
_SECONDS = 4


def main() -> int:
    """Ask once."""
    try:
        was_ready = _was_ready()
        with urllib.request.urlopen(  # noqa: S310 - the scheme is one of two
            _address() + ("/healthz" if was_ready else "/readyz"), timeout=_SECONDS, context=_to_itself()
        ):
            pass
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {error.read(1000).decode(errors='replace')}")
        return 1
    except (OSError, ValueError, yaml.YAMLError) as error:
        print(error)
        return 1
    if not was_ready:
        _WAS_READY.write_text(_start())
    return 0


def _was_ready() -> bool:
    try:
        return _WAS_READY.read_text() == _start()
    except FileNotFoundError:
        return False


def _start() -> str:
    """Return what is another one after each start of the container: when its first process began, in ticks since the machine's boot."""
    return Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]


def _address() -> str:
    listen = _listen()
    scheme = "https" if listen.get("tls") else "http"
    host = str(listen.get("address", "0.0.0.0"))  # noqa: S104 - what the settings have
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{listen.get('port', 8080)}"


def _listen() -> Mapping[str, Any]:
    places = (
        os.environ.get("REGISTRY_DOCKER_UPDATER_CONFIG") or "/etc/registry-docker-updater/config.yml",
        os.environ.get("XDG_STATE_HOME", "/var/lib") + "/registry-docker-updater/config.yml",  # of --local
    )
    for place in places:
        if Path(place).is_file():
            settings = yaml.safe_load(Path(place).read_text())
            listen = settings.get("listen") if isinstance(settings, dict) else None
            return listen if isinstance(listen, dict) else {}
    return {}


def _to_itself() -> ssl.SSLContext:
    """Return what believes any certificate: it is for another name, and this is the same container."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


if __name__ == "__main__":
    sys.exit(main())
