"""What an update makes of answers that lack something: the module's work on an engine that is played.

It stands in for engines that are not at hand: 28 with the containerd image store, which can leave out what an image
declares, and one of another architecture.
"""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.update import Update
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Options
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

from unit.builders import NEW, OLD
from unit.engines import Answer, Asked, PlayedEngine, played_engine

OLD_IMAGE, NEW_IMAGE = "sha256:" + "1" * 64, "sha256:" + "2" * 64
CONFIG = "sha256:" + "c" * 64
UNKNOWN = Answer({"message": "no such image"}, 404)


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@contextmanager
def registry(config: dict[str, Any]) -> Iterator[str]:
    """A registry whose every image declares ``config``; yields its host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_config = self.path.endswith(CONFIG)
            found = (
                {"config": config, "architecture": "amd64"} if is_config else {"config": {"digest": CONFIG}}
            )
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def image(identity: str, name: str, digest: str, **more: Any) -> dict[str, Any]:
    made = {"Id": identity, "Architecture": "amd64", "RepoDigests": [f"{name}@{digest}"], **more}
    return {key: value for key, value in made.items() if value is not None}


def engine_of(host: str, old: dict[str, Any], new: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """An engine that runs ``web``, and creates nothing: what it is asked to create is looked at."""
    name = f"{host}/test/app"
    web = {
        "Id": "f" * 64,
        "Name": "/web",
        "Image": OLD_IMAGE,
        "Created": "2026-11-22T11:00:00Z",
        "State": {"Status": "running", "Running": True, "StartedAt": "2026-11-22T11:00:01Z"},
        "Config": {"Image": f"{name}:1", "Labels": {"from": "image"}, "Env": ["A=image", "B=mine"]},
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
        **changes,
    }
    pulled = new or {}

    def known(_: Asked) -> Answer:
        return Answer(pulled) if pulled else UNKNOWN

    return {
        "/info": Answer({"ID": "engine", "RegistryConfig": {"InsecureRegistryCIDRs": ["127.0.0.0/8"]}}),
        "/version": Answer({"Arch": "amd64"}),
        "/networks": Answer([]),
        "/containers/json": Answer([{"Id": "f" * 64, "Names": ["/web"]}]),
        "/containers/web/json": Answer(web),
        f"/containers/{'f' * 64}/json": Answer(web),
        f"/images/{OLD_IMAGE}/json": Answer(old),
        f"/images/{name}@{NEW}/json": known,
        f"/images/{name}:1/json": Answer(old),
        f"/images/{NEW_IMAGE}/tag": Answer(None),
        f"/images/{OLD_IMAGE}/tag": Answer(None),
        "/images/create": Answer(b'{"status": "pulled"}\n'),
        "/containers/create": Answer({"message": "played"}, 500),
    }


def update(engine: PlayedEngine, folder: Path, host: str, **wish: Any) -> dict[str, Any]:
    containers = Containers(Engine({"docker_host": engine.address}))
    reference = Reference.parse(f"{host}/test/app:1")
    journal = Journal(str(folder / "state"), "engine")
    return Update(containers, journal, Request("web", reference, NEW, **wish), Options(0)).run()


def bodies(engine: PlayedEngine) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in engine.asked if asked.what == "/containers/create"]


@pytest.mark.parametrize("which", ["old", "new", "both"])
def test_a_configuration_that_the_engine_does_not_show_is_read_from_the_registry(
    folder: Path, which: str
) -> None:
    """And what came from the old image is dropped, what the user set stays, as if the engine had shown it."""
    declared = {"Env": ["A=image"], "Labels": {"from": "image"}}
    with registry(declared) as host:
        old = image(OLD_IMAGE, f"{host}/test/app", OLD, Config=None if which != "new" else declared)
        new = image(NEW_IMAGE, f"{host}/test/app", NEW, Config=None if which != "old" else declared)
        with played_engine(folder / "docker.sock", engine_of(host, old, new)) as engine:
            update(engine, folder, host)
            (body, *_) = bodies(engine)
    assert (body["Env"], body["Labels"]) == (["B=mine"], {})


@pytest.mark.parametrize("which", ["old", "new"])
def test_where_nobody_tells_the_configuration_nothing_is_created_dropped_or_frozen(
    folder: Path, which: str
) -> None:
    host = "127.0.0.1:1"  # nobody listens there
    old = image(OLD_IMAGE, f"{host}/test/app", OLD, Config={} if which == "new" else None)
    new = image(NEW_IMAGE, f"{host}/test/app", NEW, Config={} if which == "old" else None)
    with played_engine(folder / "docker.sock", engine_of(host, old, new)) as engine:
        result = update(engine, folder, host)
        assert bodies(engine) == []
    assert result["outcome"] == "failed"
    assert "without its configuration" in result["message"]


def test_an_image_that_declares_nothing_is_one_that_has_a_configuration(folder: Path) -> None:
    host = "127.0.0.1:1"
    old, new = (
        image(one, f"{host}/test/app", digest, Config={})
        for one, digest in ((OLD_IMAGE, OLD), (NEW_IMAGE, NEW))
    )
    with played_engine(folder / "docker.sock", engine_of(host, old, new)) as engine:
        update(engine, folder, host)
        (body, *_) = bodies(engine)
    assert body["Env"] == ["A=image", "B=mine"]


@pytest.mark.parametrize("part", ["Config", "HostConfig", "Mounts", "NetworkSettings"])
def test_a_container_that_the_engine_shows_in_parts_is_left_alone(folder: Path, part: str) -> None:
    host = "127.0.0.1:1"
    old, new = (image(one, f"{host}/test/app", NEW, Config={}) for one in (OLD_IMAGE, NEW_IMAGE))
    old["RepoDigests"] = []
    answers = engine_of(host, old, new, **{part: None})
    with played_engine(folder / "docker.sock", answers) as engine:
        result = update(engine, folder, host)
        assert bodies(engine) == []
    assert result["outcome"] == "failed"
    assert "without its" in result["message"]
    assert part in result["message"]


def test_a_container_whose_image_lost_its_digests_meanwhile_was_changed_by_nobody(folder: Path) -> None:
    """Its tag went to the new image when the first of two containers was updated."""
    host = "127.0.0.1:1"
    old = image(OLD_IMAGE, f"{host}/test/app", OLD, Config={}, RepoDigests=[])
    new = image(NEW_IMAGE, f"{host}/test/app", NEW, Config={})
    with played_engine(folder / "docker.sock", engine_of(host, old, new)) as engine:
        found = update(engine, folder, host, found_digests=(OLD,), found_image=OLD_IMAGE)
        assert "the engine did not create its new container" in found["message"], "it was begun"
        other = update(engine, folder, host, found_digests=(OLD,), found_image=NEW_IMAGE)
        assert other["outcome"] == "superseded"


def test_an_image_that_is_there_for_another_platform_is_pulled_and_refused_when_there_is_no_other(
    folder: Path,
) -> None:
    host = "127.0.0.1:1"
    old = image(OLD_IMAGE, f"{host}/test/app", OLD, Config={})
    new = image(NEW_IMAGE, f"{host}/test/app", NEW, Config={}, Architecture="arm64")
    answers = engine_of(host, old, new)
    with played_engine(folder / "docker.sock", answers) as engine:
        result = update(engine, folder, host)
        assert [asked.query["tag"] for asked in engine.asked if asked.what == "/images/create"] == [NEW]
        assert (result["outcome"], bodies(engine)) == ("failed", [])
        assert "is made for linux/arm64, and web runs linux/amd64" in result["message"]

        def pull(_: Asked) -> Answer:
            new["Architecture"] = "amd64"
            return Answer(b'{"status": "pulled"}\n')

        engine.answers["/images/create"] = pull
        update(engine, folder, host)
        assert len(bodies(engine)) > 0


def test_a_neighbour_that_cannot_be_read_is_named_and_the_update_goes_on(folder: Path) -> None:
    host = "127.0.0.1:1"
    old = image(OLD_IMAGE, f"{host}/test/app", OLD, Config={})
    new = image(NEW_IMAGE, f"{host}/test/app", NEW, Config={})
    answers = engine_of(host, old, new)
    answers["/containers/json"] = Answer(
        [{"Id": "f" * 64, "Names": ["/web"]}, {"Id": "broken", "Names": ["/ghost"]}]
    )
    answers["/containers/broken/json"] = Answer({"message": "open config.v2.json: no such file"}, 500)
    with played_engine(folder / "docker.sock", answers) as engine:
        result = update(engine, folder, host)
        assert len(bodies(engine)) > 0
    (warning,) = result["warnings"]
    assert "container ghost cannot be read" in warning
    assert "if it leans on web" in warning


def test_a_container_that_cannot_start_again_is_refused_before_anything_is_created(folder: Path) -> None:
    """The played engine is this process, so it sees the same files."""
    host = "127.0.0.1:1"
    old = image(OLD_IMAGE, f"{host}/test/app", OLD, Config={})
    new = image(NEW_IMAGE, f"{host}/test/app", NEW, Config={})
    stick = {
        "NetworkMode": "default",
        "Devices": [{"PathOnHost": "/opt/stick", "PathInContainer": "/dev/stick"}],
    }
    with played_engine(folder / "docker.sock", engine_of(host, old, new, HostConfig=stick)) as engine:
        result = update(engine, folder, host)
        assert bodies(engine) == []
    assert result["outcome"] == "failed"
    assert "device /opt/stick of web is no longer there" in result["message"]


def moving(folder: Path, new: str, **config: Any) -> tuple[dict[str, Any], list[Asked]]:
    """Have ``web`` move from another tag to the pushed one; return the result, and what was asked of the engine."""
    host = "127.0.0.1:1"
    old = image(OLD_IMAGE, f"{host}/test/app", NEW if new == OLD_IMAGE else OLD, Config={})
    pulled = image(new, f"{host}/test/app", NEW, Config={})
    answers = engine_of(host, old, pulled, Config={"Image": f"{host}/test/app:0.9", "Labels": {}, **config})
    with played_engine(folder / "docker.sock", answers) as engine:
        result = update(engine, folder, host, moves_from=Reference.parse(f"{host}/test/app:0.9"))
    return result, engine.asked


@pytest.mark.parametrize("new", [NEW_IMAGE, OLD_IMAGE], ids=["another image", "the same image"])
def test_a_container_that_moves_is_created_under_the_new_name_from_the_pulled_image(
    folder: Path, new: str
) -> None:
    """Though it may be the image that it runs, which got another tag."""
    result, asked = moving(folder, new)
    created, *_ = [json.loads(one.body) for one in asked if one.what == "/containers/create"]
    assert created["Image"] == "127.0.0.1:1/test/app:1"
    tags = [one.query for one in asked if one.what == f"/images/{new}/tag"]
    assert {"repo": "127.0.0.1:1/test/app", "tag": "1"} in tags or new == OLD_IMAGE, (
        "the name means it already"
    )
    # The played engine creates nothing.
    assert result["outcome"] == "failed"
    assert result["before"]["image"] == result["after"]["image"] == "127.0.0.1:1/test/app:0.9"


def test_a_container_that_is_pinned_to_a_digest_does_not_move(folder: Path) -> None:
    result, asked = moving(folder, NEW_IMAGE, Image=f"127.0.0.1:1/test/app:0.9@{NEW}")
    assert result["outcome"] == "skipped"
    assert "is pinned to" in result["message"]
    assert all(one.method == "GET" for one in asked)


def test_a_container_that_runs_another_name_than_it_is_to_move_from_is_left_alone(folder: Path) -> None:
    result, _ = moving(folder, NEW_IMAGE, Image="127.0.0.1:1/test/app:0.8")
    assert result["outcome"] == "skipped"
    assert "runs 127.0.0.1:1/test/app:0.8, which is not" in result["message"]
