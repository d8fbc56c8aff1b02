"""The API: its pages, what it says of what is wrong, and that it is as its description says."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from integration.http.conftest import LIMIT, PUSH, SECRET, Listener, listening
from integration.keeping import ONCE, begin, end, ended, push, record
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.index import FleetChange
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.reasons import LONGEST_REASON
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.http.access import Access, Right, Token
from registry_docker_updater.http.guard import Source
from registry_docker_updater.http.limits import Limits
from unit.builders import HOST, NEW, NOON, at, container, fleet, labelled
from unit.builders import whole as whole_fleet

pytestmark = pytest.mark.slow

LISTINGS = ("events", "rollouts", "hosts", "targets")


def pushes(listener: Listener, count: int) -> None:
    some = [
        Push("production", "test/app", str(number), NEW, at(number), f"key {number}")
        for number in range(count)
    ]
    listener.store.events.record("production", some, NOON)


def hosts_and_targets(listener: Listener, count: int) -> None:
    listener.store.fleet.apply(
        whole_fleet(
            fleet(
                *(container(f"c{number:03}", on=f"host{number:03}") for number in range(count)),
            )
        )
    )


def items(listener: Listener, name: str, limit: int) -> list[list[Any]]:
    """Every page of a listing, as its addresses lead from one to the next."""
    path, pages = f"/api/v1/{name}?limit={limit}", []
    while path:
        status, content = listener.ask("GET", path)
        assert status == 200
        pages.append(content["items"])
        path = content["next"]
    return pages


def test_events_are_listed_in_pages_newest_first_and_each_once(listener: Listener) -> None:
    pushes(listener, 25)
    pages = items(listener, "events", 10)
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [row["id"] for page in pages for row in page] == list(range(25, 0, -1))
    assert [len(page) for page in items(listener, "events", 25)] == [25]
    status, one = listener.ask("GET", "/api/v1/events/7")
    assert (status, one["tag"]) == (200, "6")


def test_what_comes_while_somebody_turns_pages_moves_nothing(listener: Listener) -> None:
    pushes(listener, 4)
    _, first = listener.ask("GET", "/api/v1/events?limit=2")
    listener.send(PUSH)
    _, second = listener.ask("GET", first["next"])
    assert [row["id"] for row in second["items"]] == [2, 1]


def test_hosts_and_targets_are_listed_by_name_and_key(listener: Listener) -> None:
    hosts_and_targets(listener, 7)
    hosts = items(listener, "hosts", 3)
    assert [row["name"] for page in hosts for row in page] == [f"host{number:03}" for number in range(7)]
    targets = [row["key"] for page in items(listener, "targets", 3) for row in page]
    assert targets == sorted(targets)
    assert len(set(targets)) == 7


@pytest.mark.parametrize("name", [*LISTINGS, "ignored"])
def test_of_nothing_there_is_one_empty_page(listener: Listener, name: str) -> None:
    assert listener.ask("GET", f"/api/v1/{name}") == (200, {"items": [], "next": None})


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit is to be a whole number from 1 to 1000, and not '0'"),
        ("limit=1001", "limit is to be"),
        ("limit=ten", "limit is to be"),
        ("limit=-1", "limit is to be"),
        ("limit=+1", "limit is to be"),
        ("limit=%D9%A1", "limit is to be"),
        ("limit=1&limit=2", "limit is given twice"),
        ("before=99999999999999999999", "before is to be"),
        ("limt=5", "'limt' is not known here; known are: limit, before, text, registry"),
        ("after=x", "'after' is not known here"),
        ("x", "the query is not name=value"),
        ("limit=%ff", "the query is not name=value, joined by &, in UTF-8"),
        ("limit=", "limit is to be"),
    ],
)
def test_a_query_that_cannot_be_read_is_said_to_be_wrong(listener: Listener, query: str, said: str) -> None:
    status, problem = listener.ask("GET", f"/api/v1/events?{query}")
    assert problem.pop("detail").startswith(said)
    assert (status, problem) == (400, {"type": "about:blank", "title": "Bad Request", "status": 400})


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/api/v1/rollouts/7", 404, "there is no rollout 7"),
        ("GET", "/api/v1/events/7", 404, "no event 7"),
        ("GET", "/api/v1/rollouts/one", 404, "nothing is here"),
        ("GET", "/api/v1/none", 404, "nothing is here"),
        ("POST", "/api/v1/events", 405, "Method not allowed"),
        ("GET", "/api/v1/hosts?after=", 400, "after is empty"),
    ],
)
def test_what_is_wrong_is_told_as_problem_details(
    listener: Listener, method: str, path: str, status: int, detail: str
) -> None:
    connection = listener.connect()
    connection.request(method, path)
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "application/problem+json"
    assert answer.status == status
    connection.close()
    _, problem = listener.ask(method, path)
    assert problem["detail"].startswith(detail)
    assert (problem["status"], problem["title"]) == (status, HTTPStatus(status).phrase)


def test_without_the_right_to_read_it_shows_nothing_not_even_its_description(listener: Listener) -> None:
    listener.access.change(Access([Token("reader", "a-token-to-read", Right.READ)]))
    for path in (*LISTINGS, "ignored", "events/1", "openapi.json", "rollouts/1"):
        status, problem = listener.ask("GET", f"/api/v1/{path}")
        assert (status, problem["title"]) == (401, "Unauthorized")
    headers = {"Authorization": "Bearer a-token-to-read"}
    assert listener.ask("GET", "/api/v1/events", headers=headers)[0] == 200


def test_the_description_is_of_this_version_and_says_what_every_path_answers(listener: Listener) -> None:
    status, content = listener.ask("GET", "/api/v1/openapi.json")
    assert (status, content["openapi"], content["info"]["version"]) == (200, "3.1.0", "1.2.3")
    listing = content["paths"]["/api/v1/targets"]["get"]
    assert {"limit", "after", "verdict", "behind"} < {one["name"] for one in listing["parameters"]}
    assert {"200", "304", "400", "401"} < set(listing["responses"])
    page = listing["responses"]["200"]["content"]["application/json"]["schema"]
    rows = page["properties"]["items"]["items"]["$ref"]
    target = content["components"]["schemas"][rows.rpartition("/")[2]]
    assert "digests" in target["required"]
    assert "the planner's verdict" in target["description"]


def test_the_description_bounds_a_silence_as_what_is_asked_for_is_bounded(listener: Listener) -> None:
    _, content = listener.ask("GET", "/api/v1/openapi.json")
    reason = content["components"]["schemas"]["SilenceAsked"]["properties"]["reason"]
    assert (reason["minLength"], reason["maxLength"]) == (1, LONGEST_REASON)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with listening(tmp_path_factory.mktemp("api"), Limits(quiet=0.1, slowed=0)) as made:
        made.guard.change({"registry": Source("registry", FORMATS["generic"], ("s3cret",))}, LIMIT)
        tokens = Token("ann", "s3cret", Right.OPERATE), Token("bob", "a-token-to-read", Right.READ)
        made.access.change(Access(tokens))
        hosts_and_targets(made, 5)
        record(made.store, push(tag="9", when=NOON))
        begin(made.store, NOON, container(image=f"{HOST}/test/app:9"))
        end(made.store, NOON, ended(Outcome.FAILED), retry=ONCE)
        pushes(made, 5)
        until = rfc3339(utc_now() + timedelta(hours=1))
        silence = {"what": "host001", "until": until, "reason": "it moves"}
        headers = {**SECRET, "Content-Type": "application/json"}
        assert made.ask("POST", "/api/v1/silences", json.dumps(silence), headers)[0] == 201
        freeze = {"what": "host:host004", "reason": "it moves"}
        assert made.ask("POST", "/api/v1/freezes", json.dumps(freeze), headers)[0] == 201
        # What the first rollout waits for people to approve.
        gated = labelled(container("gated", "host000", f"{HOST}/test/app:9"), approval="9")
        made.store.fleet.apply(FleetChange(targets={gated.key: gated}))
        yield made


# What there is of what is asked for by its name, which no schema says.
KNOWN = {
    "registry": "registry",
    "id": 1,
    "key": container("c000", on="host000").key,
    "image": f"{HOST}/test/app:1@{NEW}",
    "targets": None,
    "what": "host000",
    "until": rfc3339(utc_now() + timedelta(hours=1)),
    "reason": "it moves",
}
# What answers only while a run goes on.
RUNNING = "GET /api/v1/rollouts/{id}/progress"
WHO = {"ann": SECRET, "bob": {"Authorization": "Bearer a-token-to-read"}, "nobody": {}}


def with_what_is_known(case: Any) -> None:
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part |= {name: KNOWN[name] for name in part.keys() & KNOWN.keys()}
    if case.method == "POST":
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("who", WHO)
def test_whatever_is_asked_is_answered_as_described_and_nothing_is_logged_with_a_trace(
    filled: Listener, caplog: pytest.LogCaptureFixture, mode: GenerationMode, who: str
) -> None:
    """What the description allows, and what it does not; of everything that can be asked, by everybody."""
    # From its address, all would be asked but for the description itself.
    described: Any = schemathesis.openapi.from_dict(
        filled.ask("GET", "/api/v1/openapi.json", None, SECRET)[1]
    )
    described.config.update(base_url=f"http://127.0.0.1:{filled.server.port}")
    operations = [found.ok() for found in described.get_all_operations()]
    answered: dict[str, set[int]] = {f"{one.method.upper()} {one.path}": set() for one in operations}
    paths = described.raw_schema["paths"].items()
    everything = {f"{method.upper()} {path}" for path, methods in paths for method in methods}
    assert answered.keys() == everything
    before = filled.store.trail.last_given()
    for operation in operations:

        @settings(
            max_examples=15 if who == "ann" else 4, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            if mode is GenerationMode.POSITIVE:
                with_what_is_known(case)
            answer = case.call(headers=WHO[who])
            answered[f"{case.method} {case.path}"].add(answer.status_code)
            # What is not allowed is at times only that there is no token, and there is one; queries have a test of their own.
            case.validate_response(answer, excluded_checks=[negative_data_rejection])

        try:
            ask()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, "there is always something that is allowed"
    assert not [one for one in caplog.records if one.exc_info or "Traceback" in one.getMessage()]
    if mode is GenerationMode.POSITIVE:
        done = {name for name, statuses in answered.items() if statuses & {200, 201, 202}}
        writes = {name for name in everything if name.startswith("POST ")}
        probes = {"GET /healthz", "GET /readyz"}
        allowed = {"ann": everything, "bob": everything - writes, "nobody": probes}[who]
        assert done == allowed - {RUNNING}
        assert all(answered[name] & {401, 403} for name in everything - allowed)
    if who != "ann":
        assert filled.store.trail.last_given() == before
