"""`registry-config --apply` on a played Harbor: no real one can be had here. It answers as its API is documented."""

import json
import os
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml

from integration.conftest import SECRET, Run, Site
from unit.builders import HOST

URL = "https://updater.example.com:8080"
ROLES = Path(__file__).parents[3] / "roles"
BASIC = f"Basic {b64encode('admin:pässwörd'.encode()).decode()}"


class Played:
    """A Harbor with these projects, and what was asked of it that changes something."""

    def __init__(self) -> None:
        self.projects: list[dict[str, Any]] = [
            {"name": "7"},
            {"name": "team"},
            {"name": "cache", "registry_id": 3},
        ]
        self.policies: dict[str, list[dict[str, Any]]] = {}
        self.changes: list[tuple[str, str]] = []
        self.shows_secrets = True
        self.port = 0

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/api/v2.0/projects":
            first = (int(query["page"][0]) - 1) * int(query["page_size"][0])
            return 200, self.projects[first : first + int(query["page_size"][0])]
        _, _, rest = path.partition("/api/v2.0/projects/")
        project, _, number = rest.partition("/webhook/policies")
        kept = self.policies.setdefault(unquote(project), [])
        if method == "GET":
            return 200, [self.shown(one) for one in kept]
        self.changes.append((method, unquote(project)))
        if method == "POST":
            kept.append({**body, "id": len(kept) + 1, "creator": "admin"})
            return 201, None
        kept[int(number.strip("/")) - 1] = body
        return 200, None

    def shown(self, policy: dict[str, Any]) -> dict[str, Any]:
        hidden = () if self.shows_secrets else ("auth_header",)
        targets = [{k: v for k, v in one.items() if k not in hidden} for one in policy["targets"]]
        return {**policy, "targets": targets}


@pytest.fixture
def harbor() -> Iterator[Played]:
    played = Played()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = played.answer(self.command, self.path, body)
            if self.headers["Authorization"] != BASIC or self.headers["X-Is-Resource-Name"] != "true":
                status, content = 401, {"errors": [{"code": "UNAUTHORIZED"}]}
            said = json.dumps(content).encode() if content is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = _any  # noqa: N815 - as the standard library names them

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    played.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield played
    server.shutdown()
    server.server_close()


@pytest.fixture
def apply(site: Site, harbor: Played, run: Run) -> Any:
    site.add_host("solo", f"{HOST}/test/app:1")
    (site.folder / "password").write_text("pässwörd\n")
    settings = yaml.safe_load(site.config.read_text())
    settings["registries"]["harbor"].update(
        url=f"http://127.0.0.1:{harbor.port}",
        credentials={"username": "admin", "password": {"file": "password"}},
    )
    site.config.write_text(yaml.safe_dump(settings))
    return lambda *more: run("registry-config", "harbor", "--apply", "--url", URL, *more)


def test_every_project_gets_the_policy_and_a_proxy_cache_none(apply: Any, harbor: Played) -> None:
    assert apply() == (0, "7: created\nteam: created\n", "")
    (policy,) = harbor.policies["team"]
    assert (policy["enabled"], policy["event_types"]) == (True, ["PUSH_ARTIFACT"])
    assert policy["targets"] == [
        {
            "type": "http",
            "address": f"{URL}/events/harbor",
            "auth_header": f"Bearer {SECRET}",
            "skip_cert_verify": False,
            "payload_format": "CloudEvents",
        }
    ]


def test_a_second_time_it_changes_and_says_nothing(apply: Any, harbor: Played) -> None:
    apply()
    harbor.changes.clear()
    assert apply() == (0, "", "")
    harbor.shows_secrets = False
    assert apply() == (0, "", "")
    assert harbor.changes == []


def test_what_somebody_changed_is_put_right_and_what_is_the_projects_own_stays(
    apply: Any, harbor: Played
) -> None:
    apply()
    harbor.policies["team"][0].update(enabled=False, description="ours")
    harbor.policies["7"].insert(
        0, {"name": "another", "id": 9, "targets": [], "event_types": [], "enabled": True}
    )
    harbor.policies["7"][1]["id"] = 2
    assert apply() == (0, "team: updated\n", "")
    assert (harbor.policies["team"][0]["enabled"], harbor.policies["team"][0]["description"]) == (
        True,
        "ours",
    )
    assert harbor.policies["7"][0]["name"] == "another"


def test_of_many_projects_none_is_left_out(apply: Any, harbor: Played) -> None:
    harbor.projects = [{"name": f"project-{number:03}"} for number in range(250)]
    code, out, _ = apply()
    assert (code, len(out.splitlines())) == (0, 250)


def test_whoever_may_not_is_told_so_in_a_sentence(apply: Any, site: Site, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    code, _, err = apply("--user", "admin", "--password-file", str(tmp_path / "wrong"))
    assert code == 1
    assert "Harbor answers GET /projects" in err
    assert "with 401" in err
    code, _, err = apply("--user", "admin", "--password-file", str(tmp_path / "none"))
    assert (code, "cannot read" in err) == (1, True)
    assert site


def test_it_is_for_harbor_and_needs_to_know_the_way_back(apply: Any, site: Site, run: Run) -> None:
    code, _, err = run("registry-config", "production", "--apply", "--url", URL)
    assert (code, "--apply is for Harbor" in err) == (1, True)
    settings = yaml.safe_load(site.config.read_text())
    settings["listen"]["address"] = "0.0.0.0"
    site.config.write_text(yaml.safe_dump(settings))
    code, _, err = run("registry-config", "harbor", "--apply")
    assert (code, "give --url" in err) == (1, True)
    assert apply


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the role becomes the operator's user, as root only can")
def test_the_role_operator_has_it_done_once_and_shows_no_password(
    apply: Any, site: Site, harbor: Played
) -> None:
    """With the password of somebody else than the settings name, which is nowhere to be read."""
    assert callable(apply)  # it has written the settings
    variables = {
        "ansible_python_interpreter": sys.executable,
        "operator_package": "registry-docker-updater==1",
        "operator_settings": {"registries": {"harbor": {}}},
        "operator_url": URL,
        "operator_harbors": {"harbor": {"username": "admin", "password": "pässwörd"}},
        "operator_user": "root",
        "operator_environment": {"REGISTRY_DOCKER_UPDATER_CONFIG": str(site.config)},
        "__operator_user_home": str(site.folder),
        "__operator_release": sys.prefix,
    }
    role = {
        "ansible.builtin.import_role": {
            "name": "operator",
            "tasks_from": "registries",
            "rolespec_validate": False,
        }
    }
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [role]}
    (site.folder / "play.yml").write_text(yaml.safe_dump([play]))
    command = ["ansible-playbook", "-i", "localhost,", "-e", json.dumps(variables), "play.yml"]
    environment = {**os.environ, "ANSIBLE_ROLES_PATH": str(ROLES), "ANSIBLE_NOCOLOR": "1"}
    said = [
        subprocess.run(
            command, cwd=site.folder, env=environment, capture_output=True, text=True, check=False
        ).stdout
        for _ in range(2)
    ]
    assert ["changed=1" in one for one in said] == [True, False], said
    assert harbor.changes == [("POST", "7"), ("POST", "team")]
    assert "pässwörd" not in "".join(said)
