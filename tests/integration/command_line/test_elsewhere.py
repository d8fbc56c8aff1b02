"""Commands that ask an operator elsewhere: what they say is what they say on its machine, and what is wrong is told in a line."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import Run, Site, until
from integration.http.conftest import Listener, listening
from integration.keeping import begin, end, ended
from registry_docker_updater.cli.main import main
from registry_docker_updater.cli.there import is_overheard
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.edges.lock import hold
from registry_docker_updater.http.access import Access, Right, Token
from registry_docker_updater.http.limits import Limits
from registry_docker_updater.views.events import events
from unit.builders import HOST, NEW, NEWER, OLD, container, host, whole

APP = f"{HOST}/test/app:1"
TOKEN = "a-token-to-öperate"
Both = Callable[..., tuple[tuple[int, str, str], tuple[int, str, str]]]


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVER", "TOKEN"):
        monkeypatch.delenv(f"REGISTRY_DOCKER_UPDATER_{name}", raising=False)
    monkeypatch.setattr("registry_docker_updater.cli.server._PAUSE_SECONDS", 0.01)


@pytest.fixture
def far(site: Site) -> Iterator[Listener]:
    """An operator's server, and on the same files a site at which commands can be given on its own machine."""
    site.state.mkdir(mode=0o700)
    with listening(site.state, Limits(quiet=0.1, slowed=0)) as made:
        made.access.change(
            Access((Token("ann", TOKEN, Right.OPERATE), Token("bob", "a-token-to-read", Right.READ)))
        )
        (site.folder / "token").write_text(f"{TOKEN}\n")
        yield made


@pytest.fixture
def filled(far: Listener) -> Listener:
    """Pushes of which one was rolled out, something unreadable, hosts of which one is down, and targets."""
    now = utc_now() - timedelta(minutes=10)
    store = far.store
    store.events.record("production", [Push("production", "test/app", "1", NEW, now, "1", "alice")], now)
    store.events.record("harbor", [Unreadable("no JSON", {"what": "\u202e"})], now)
    web, db = container("web", since=now), container("db", digest=NEW, since=now)
    hosts = {
        "solo": host("solo", now, warnings=("its clock is off",)),
        "down": host("down", now, error="no route"),
    }
    store.fleet.apply(whole(Fleet(hosts, {one.key: one for one in (web, db)})))
    begin(store, now, web)
    end(store, now, ended(Outcome.ROLLED_BACK, after=OLD))
    return far


@pytest.fixture
def both(filled: Listener, site: Site, run: Run, capsys: pytest.CaptureFixture[str]) -> Iterator[Both]:
    """Give a command on the operator's machine, where one works, and from elsewhere."""

    def command(*arguments: str) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
        there = asked(filled, site, capsys, *arguments)
        return run(*arguments), there

    held = hold(site.state)
    yield command
    held.release()


def address(listener: Listener) -> str:
    return f"http://127.0.0.1:{listener.server.port}"


def asked(
    listener: Listener, site: Site, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    given = ["--server", address(listener), "--token-file", str(site.folder / "token")]
    code = main([*arguments[:1], *given, *arguments[1:]])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("events",),
        ("events", "--json"),
        ("events", "--limit", "1"),
        ("events", "2"),
        ("events", "2", "--json"),
        ("events", "77"),
        ("events", "--ignored"),
        ("rollouts",),
        ("rollouts", "--json"),
        ("rollout", "77"),
        ("fleet",),
        ("fleet", "--json"),
        ("why", "web"),
        ("why", "wep"),
        ("why", container("web").key),
        ("plan", f"{APP}@{NEWER}"),
        ("plan", f"{APP}@{NEWER}", "--json"),
        ("plan", "nginx"),
        ("plan", f"{HOST}/test/app@{NEW}"),
        ("push", APP),
        ("push", "a b"),
        ("retry", "77"),
        ("silence",),
        ("silence", "nobody", "--for", "2h", "--reason", "x"),
        ("silence", "solo", "--for", "2h"),
        ("silence", "solo", "--reason", "x"),
        ("silence", "solo", "--until", "2026-11-01T08:00Z"),
        ("silence", "solo", "--until", "2026-11-01T08:00Z", "--reason", "x"),
        ("silence", "--end", "7"),
        ("freeze",),
        ("freeze", "--list"),
        ("freeze", "nobody", "--reason", "x"),
        ("freeze", "--until", "2026-11-01T08:00Z", "--reason", "x"),
        ("thaw", "7"),
        ("approve", "77"),
        ("approve", "1"),
        ("refuse", "1", "--reason", "x"),
        ("refuse", "1", "--reason", "x", "--target", "y"),
        ("thaw", "solo"),
        ("audit", "show", "1"),
        ("audit", "show", "1", "--json"),
        ("audit", "show", "77"),
    ],
)
def test_what_a_command_says_from_elsewhere_is_what_it_says_on_the_operators_machine(
    both: Both, arguments: tuple[str, ...]
) -> None:
    here, there = both(*arguments)
    assert there == here
    assert here[1] + here[2]


def test_a_target_whose_key_no_address_could_have_as_it_is_is_asked_for_all_the_same(
    filled: Listener, both: Both
) -> None:
    odd = container("odd", on="../x")
    hosts = {"../x": host("../x", utc_now())}
    known = filled.store.fleet.load()
    filled.store.fleet.apply(whole(Fleet({**known.hosts, **hosts}, {**known.targets, odd.key: odd})))
    here, there = both("why", odd.key)
    assert there == here
    assert (here[0], "container odd" in here[1]) == (0, True)


def test_a_rollout_is_shown_but_for_where_its_runs_are_kept(both: Both) -> None:
    here, there = both("rollout", "1")
    where = re.compile(r"(kept in|runs kept): .*\n")
    assert there[0] == here[0] == 0
    assert there[1] == where.sub("", here[1])
    assert "rolled_back" in there[1]
    code, _, said = both("rollout", "1", "--run", "1")[1]
    assert (code, "what runs printed is kept on the operator's machine" in said) == (1, True)


def test_a_push_and_a_retry_from_elsewhere_are_done_by_who_has_the_token(
    filled: Listener, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = asked(filled, site, capsys, "push", f"{APP}@{NEWER}")
    assert (code, out, err) == (0, f"recorded: {APP}@{NEWER}, for 2 targets\n", "")
    assert events(filled.store, 1)[0]["actor"] == "ann (by hand)"
    code, _, err = asked(filled, site, capsys, "retry", "1")
    assert (code, "after which came another" in err) == (1, True)
    code, out, err = asked(filled, site, capsys, "push", f"{APP}@{NEW}", "--force", "--json")
    assert (code, json.loads(out)["targets"], err) == (0, 1, "")
    assert filled.woken == ["by hand"] * 2


def test_a_trouble_is_silenced_from_elsewhere_and_how_everything_is_says_so(
    filled: Listener, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    code, before, _ = asked(filled, site, capsys, "status")
    assert (code, "no route" in before, "silenced: " in before) == (1, True, False)
    code, out, err = asked(filled, site, capsys, "silence", "down", "--for", "2h", "--reason", "it moves")
    assert (code, "counts" in out, err) == (0, True, "")
    assert "silenced: " in asked(filled, site, capsys, "status")[1]
    (row,) = json.loads(asked(filled, site, capsys, "silence", "--json")[1])
    assert (row["of"], row["actor"], row["reason"]) == ("down", "ann", "it moves")
    assert asked(filled, site, capsys, "silence", "--end", "1")[0] == 0
    code, _, err = asked(filled, site, capsys, "silence", "--end", "1")
    assert (code, "has ended already" in err) == (1, True)
    assert "silenced: " not in asked(filled, site, capsys, "status")[1]


def test_what_is_frozen_from_elsewhere_is_thawed_from_there_by_its_name(
    filled: Listener, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in (("solo", "--for", "2h"), ("everything",)):
        code, out, err = asked(filled, site, capsys, "freeze", *given, "--reason", "it moves")
        assert (code, "counts" in out, err) == (0, True, "")
    assert asked(filled, site, capsys, "status")[1].startswith("frozen: everything is frozen by ann until")
    assert asked(filled, site, capsys, "thaw", "host:solo")[0] == 0
    rows = json.loads(asked(filled, site, capsys, "freeze", "--list", "--json")[1])
    assert [(row["of"], row["counts"], row["ended_by"]) for row in rows] == [
        ("", True, None),
        ("solo", False, "ann"),
    ]


def test_more_than_a_page_is_listed(
    far: Listener, site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry_docker_updater.cli.server.MOST", 2)
    pushes = [Push("production", "a", str(number), NEW, utc_now(), str(number)) for number in range(7)]
    far.store.events.record("production", pushes, utc_now())
    some = {f"c{number}": container(f"c{number}") for number in range(5)}
    far.store.fleet.apply(whole(Fleet({"solo": host("solo")}, {one.key: one for one in some.values()})))
    numbers = [
        row["id"] for row in json.loads(asked(far, site, capsys, "events", "--limit", "5", "--json")[1])
    ]
    assert numbers == [7, 6, 5, 4, 3]
    targets = json.loads(asked(far, site, capsys, "fleet", "--json")[1])["targets"]
    assert [row["name"] for row in targets] == sorted(some)


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve",),
        ("check",),
        ("backup", "x.tar.gz"),
        ("restore", "x.tar.gz"),
        ("registry-config", "production"),
        ("settings",),
        ("support", "--output", "x.tar.gz"),
    ],
)
def test_a_command_that_needs_the_operators_files_says_so(
    far: Listener, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert main(["--server", address(far), *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"registry-docker-updater: `{arguments[0]}` works with the operator's own files")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("audit", "verify"), "`audit verify` reads all that is kept"),
        (("audit", "export"), "`audit export` reads all that is kept"),
        (("fleet", "--scan"), "--scan asks the hosts from the operator's machine"),
        (("plan", APP, "--scan"), "--scan asks the hosts from the operator's machine"),
        (("why", "web", "--scan"), "--scan asks the hosts from the operator's machine"),
    ],
)
def test_what_is_done_on_the_operators_machine_only_is_said_to_be(
    far: Listener, site: Site, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = asked(far, site, capsys, *arguments)
    assert (code, said in err) == (1, True)


@pytest.mark.parametrize("arguments", [("versions",), ("completion", "bash")])
def test_what_is_the_same_everywhere_needs_no_operator(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert main(["--server", "https://updater.example.com", *arguments]) == 0
    assert capsys.readouterr().out


def test_the_environment_names_server_and_token_and_settings_that_are_given_mean_this_machine(
    filled: Listener, site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_DOCKER_UPDATER_SERVER", address(filled))
    monkeypatch.setenv("REGISTRY_DOCKER_UPDATER_TOKEN", TOKEN)
    assert main(["events"]) == 0
    elsewhere = capsys.readouterr().out
    monkeypatch.setenv("REGISTRY_DOCKER_UPDATER_SERVER", "http://127.0.0.1:1")
    assert main(["--config", str(site.config), "events"]) == 0
    assert capsys.readouterr().out == elsewhere
    assert main(["audit", "show", "1", "--server", address(filled)]) == 0
    with pytest.raises(SystemExit) as ended_with:
        main(["--config", str(site.config), "events", "--server", address(filled)])
    assert ended_with.value.code == 2


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "--token-file: {file} is empty"),
        ("wrong", "does not know this token"),
        ("two words", "holds more than one word"),
        ("two\nlines", "holds more than one word"),
        ("a-token-to-read", "does not allow this: bob may read, and not operate"),
    ],
)
def test_a_token_that_is_none_is_told_in_a_line_without_it(
    far: Listener, site: Site, capsys: pytest.CaptureFixture[str], token: str, said: str
) -> None:
    file = site.folder / "token"
    file.write_text(token)
    code, out, err = asked(far, site, capsys, "push", f"{APP}@{NEW}")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said.format(file=file) in err
    assert not token or token not in err.replace("token", "").replace("a--to-read", "")


def test_without_a_token_what_is_wanted_is_said(
    far: Listener, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--server", address(far), "events"]) == 1
    assert "wants a token: give --token-file, or set REGISTRY_DOCKER_UPDATER_TOKEN" in capsys.readouterr().err
    assert main(["--server", address(far), "--token-file", str(site.folder / "none"), "events"]) == 1
    assert f"--token-file: {site.folder}/none cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("updater.example.com", "is no address such as https://updater.example.com"),
        ("ftp://updater.example.com", "is no address such as"),
        ("http://ann:secret@updater.example.com", "a user or password stands in the address"),
        ("http://127.0.0.1:1", "cannot reach http://127.0.0.1:1: "),
    ],
)
def test_a_server_that_cannot_be_asked_is_named(
    capsys: pytest.CaptureFixture[str], url: str, said: str
) -> None:
    for command in (["events"], ["push", f"{APP}@{NEW}"]):
        assert main(["--server", url, *command]) == 1
        err = capsys.readouterr().err
        assert (said in err, err.count("\n"), "secret" in err) == (True, 1, False)


def test_a_certificate_is_to_be_of_somebody_who_is_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with listening(tmp_path, with_tls=True) as made:
        url = f"https://127.0.0.1:{made.server.port}"
        assert main(["--server", url, "events"]) == 1
        said = capsys.readouterr().err
        assert f"the certificate of {url} is not trusted: " in said
        assert "--ca-file names who signed it" in said
        signer = next(tmp_path.glob("*.pem"))
        assert main(["--server", url, "--ca-file", str(signer), "events", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == []
        assert main(["--server", url.replace("https", "http"), "events"]) == 1
        assert capsys.readouterr().err.count("\n") == 1
        assert main(["--server", url, "--ca-file", str(tmp_path / "none"), "events"]) == 1
        assert f"--ca-file: {tmp_path}/none holds no certificate" in capsys.readouterr().err


def test_what_speaks_no_tls_is_said_to(far: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--server", address(far).replace("http", "https"), "events"]) == 1
    assert "speaks no TLS: is it http://?" in capsys.readouterr().err


@pytest.fixture
def other() -> Iterator[Callable[[dict[str, tuple[int, str, str]]], str]]:
    """Something else that answers: by the path, a status, a type and a body."""
    servers: list[HTTPServer] = []

    def serve(answers: dict[str, tuple[int, str, str]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = answers.get(self.path.partition("?")[0], answers["*"])
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        made = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(made)
        threading.Thread(target=made.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{made.server_port}"

    yield serve
    for made in servers:
        made.shutdown()
        made.server_close()


HTML = (200, "text/html", "<html>Log in</html>")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"*": HTML}, "is no operator, or something before it answers: 200, 'text/html', and no JSON"),
        ({"*": (502, "text/html", "")}, "is no operator, or something before it answers: 502"),
        ({"*": (200, "application/json", "[]")}, "is no operator"),
        ({"*": (200, "application/json", "{}")}, "is no operator, or one of another version"),
        ({"*": (503, "application/json", '{"error": "later"}')}, "answers 503: later"),
        (
            {
                "*": (404, "application/json", '{"error": "nothing is here; events are sent elsewhere"}'),
                "/api/v1/openapi.json": (200, "application/json", '{"info": {"version": "0.1.7"}}'),
            },
            "is an operator of version 0.1.7, and this command, of ",
        ),
        (
            {
                "*": (200, "application/json", '{"items": [{"id": 1}], "next": null}'),
                "/api/v1/openapi.json": (200, "application/json", '{"info": {"version": "9.0.0"}}'),
            },
            "is an operator of version 9.0.0, and this command, of ",
        ),
        (
            {"*": (200, "application/json", '{"items": [], "next": "http://elsewhere.example.com/"}')},
            "is no operator, or one of another version",
        ),
        ({"*": (404, "application/problem+json", '{"detail": "\\u001b[31m no"}')}, "\\x1b[31m no"),
    ],
)
def test_what_is_no_operator_or_another_is_told_in_a_line(
    other: Callable[[Any], str], capsys: pytest.CaptureFixture[str], answers: Any, said: str
) -> None:
    assert main(["--server", other(answers), "events"]) == 1
    err = capsys.readouterr().err
    assert (said in err, err.count("\n")) == (True, 1), err


def test_a_push_from_elsewhere_is_followed_to_its_end(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add_host("solo", APP)
    settings = yaml.safe_load(site.config.read_text())
    (site.folder / "token").write_text("a-token-to-operate")
    settings["listen"]["access"] = {"operate": [{"file": "token", "name": "ann"}]}
    site.config.write_text(yaml.safe_dump(settings))
    with site.operator() as running:
        monkeypatch.setenv("REGISTRY_DOCKER_UPDATER_SERVER", f"http://127.0.0.1:{running.port}/")
        monkeypatch.setenv("REGISTRY_DOCKER_UPDATER_TOKEN", "a-token-to-operate")

        def targets() -> list[Any]:
            assert main(["fleet", "--json"]) == 0
            found: list[Any] = json.loads(capsys.readouterr().out)["targets"]
            return found

        until(targets)
        code = main(["push", f"{APP}@{NEW}", "--wait", "--json"])
        printed = capsys.readouterr()
        row = json.loads(printed.out)
        # The engine is played, and has no such image: what becomes of the update is not what this is about.
        assert (code, row["state"] in ("waiting", "finished"), row["ended_well"]) == (1, True, False), printed
        assert "container web0 at host solo: " in printed.err
        assert "not every target ended well" in printed.err
        assert main(["retry", str(row["id"]), "--wait"]) == 1
        assert f"rollout {row['id']}: " in capsys.readouterr().out
        assert main(["audit", "show", str(row["id"])]) == 0
        assert re.search(r"ann asked for it, HTTP from 127\.0\.0\.1", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("url", "is_so"),
    [
        ("http://updater.example.com:8080", True),
        ("http://10.0.0.7", True),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("http://localhost", False),
        ("https://updater.example.com", False),
    ],
)
def test_a_token_goes_over_a_network_in_the_clear_by_plain_http_only(url: str, *, is_so: bool) -> None:
    assert is_overheard(url) is is_so
