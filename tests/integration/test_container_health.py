"""The health check of the operator's image, asked as the engine asks it, of servers that are real."""

import importlib.util
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from integration.receivers import certificate

_READY = Path(__file__).parents[2] / "deploy" / "ready.py"


class Answering(ThreadingHTTPServer):
    """An operator that answers with the codes that it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.codes = {"/healthz": 200, "/readyz": 200}
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.codes[self.path])
        self.end_headers()
        self.wfile.write(b"runs cannot be started")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(name="server")
def _server() -> Iterator[Answering]:
    with Answering() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(name="ready")
def _ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("ready", _READY)
    assert spec
    assert spec.loader
    ready = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ready)
    monkeypatch.setattr(ready, "_WAS_READY", tmp_path / "was-ready")
    monkeypatch.setenv("REGISTRY_DOCKER_UPDATER_CONFIG", str(tmp_path / "config.yml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return ready


def _configure(folder: Path, server: Answering, **listen: Any) -> None:
    settings = {"listen": {"address": "127.0.0.1", "port": server.server_port, **listen}}
    (folder / "config.yml").write_text(yaml.safe_dump(settings))


def test_an_operator_is_well_once_it_is_ready_and_then_for_as_long_as_it_lives(
    ready: ModuleType, server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That its disk is full later is no reason to end it."""
    _configure(tmp_path, server)
    server.codes["/readyz"] = 503
    assert ready.main() == 1
    assert capsys.readouterr().out == "503: runs cannot be started\n"

    server.codes["/readyz"] = 200
    assert ready.main() == 0
    server.codes["/readyz"] = 503
    assert ready.main() == 0
    assert server.asked == ["/readyz", "/readyz", "/healthz"]


def test_after_a_restart_it_is_to_be_ready_again(
    ready: ModuleType, server: Answering, tmp_path: Path
) -> None:
    _configure(tmp_path, server)
    assert ready.main() == 0
    (tmp_path / "was-ready").write_text("another start")
    assert ready.main() == 0
    assert server.asked == ["/readyz", "/readyz"]


def test_with_a_certificate_of_another_name_it_is_asked_all_the_same(
    ready: ModuleType, server: Answering, tmp_path: Path
) -> None:
    certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "mail.pem", tmp_path / "mail.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    _configure(tmp_path, server, tls={"certificate": "mail.pem", "key": "mail.key"})
    assert ready.main() == 0
    assert server.asked == ["/readyz"]


def test_where_only_clients_with_a_certificate_are_heard_an_open_port_is_enough(
    ready: ModuleType, server: Answering, tmp_path: Path
) -> None:
    _configure(tmp_path, server, tls={"clients": "clients.pem"})
    assert ready.main() == 0
    assert server.asked == []


def test_what_does_not_answer_is_not_well(
    ready: ModuleType, server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _configure(tmp_path, server)
    server.shutdown()
    server.server_close()
    assert ready.main() == 1
    assert "refused" in capsys.readouterr().out


def test_without_any_settings_yet_the_default_address_is_asked(
    ready: ModuleType, server: Answering, tmp_path: Path
) -> None:
    """As at the first start with --local, before that has made them."""
    assert ready._listen() == {}
    _configure(tmp_path, server)
    (tmp_path / "registry-docker-updater").mkdir()
    (tmp_path / "config.yml").rename(tmp_path / "registry-docker-updater" / "config.yml")
    assert ready.main() == 0
