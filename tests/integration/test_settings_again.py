"""SIGHUP: the settings are read again while the operator works."""

import json
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from integration.conftest import SECRET, Running, Site, until
from integration.receivers import free_port
from integration.test_operator import APP, event

pytestmark = pytest.mark.slow


def change(site: Site, does: Callable[[Any], object]) -> None:
    settings = yaml.safe_load(site.config.read_text())
    does(settings)
    site.config.write_text(yaml.safe_dump(settings))


def hang_up(operator: Running, said: str) -> str:
    """Send the signal; return what was logged since, once ``said`` is in it."""
    before = len(operator.log.read_text())
    operator.process.send_signal(signal.SIGHUP)
    until(lambda: said in operator.log.read_text()[before:])
    return operator.log.read_text()[before:]


def sent(operator: Running, secret: str, number: int = 1) -> int:
    return operator.ask("POST", "/events/production", event(number=number), secret)[0]


def test_a_secret_is_changed_without_a_gap(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        assert sent(operator, SECRET) == 202
        (site.folder / "next").write_text("the-next-secret-of-it")
        change(site, lambda all_: all_["registries"]["production"].update(next_secret={"file": "next"}))
        hang_up(operator, "the settings were read again")
        assert [sent(operator, one) for one in (SECRET, "the-next-secret-of-it", "wrong")] == [202, 202, 401]
        (site.folder / "secret").write_text("the-next-secret-of-it")
        change(site, lambda all_: all_["registries"]["production"].pop("next_secret"))
        hang_up(operator, "the settings were read again")
        assert [sent(operator, one) for one in (SECRET, "the-next-secret-of-it")] == [401, 202]


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (
            lambda all_: all_["registries"]["production"].pop("secret"),
            "registries.production.secret: is missing",
        ),
        (lambda all_: all_["listen"].update(prot=1), "listen.prot: is not a setting"),
        (lambda all_: all_.clear(), "fleet: is missing"),
    ],
)
def test_settings_that_are_wrong_change_nothing(site: Site, does: Callable[[Any], object], said: str) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        change(site, does)
        logged = hang_up(operator, "the settings before stay in force")
        assert said in logged
        assert "Traceback" not in logged
        assert sent(operator, SECRET) == 202


def test_what_needs_a_restart_is_named(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        change(site, lambda all_: all_["rollouts"].update(workers=2))
        change(site, lambda all_: all_.update(runs={"keep": "outcomes"}))
        change(site, lambda all_: all_["registries"]["harbor"].update(hosts=["other.example.com"]))
        logged = hang_up(operator, "restart the operator")
        assert "for what changed in rollouts, runs, registries.harbor, restart" in logged
        assert sent(operator, SECRET) == 202


def test_the_api_has_an_address_of_its_own_where_it_is_wanted(site: Site) -> None:
    site.add_host("solo", APP)
    change(site, lambda all_: all_["listen"].update(api={"address": "127.0.0.1", "port": 0}))
    with site.operator() as operator:
        assert sent(operator, SECRET) == 202
        assert operator.ask("GET", "/healthz")[0] == 200
        assert operator.ask("GET", "/api/v1/events")[0] == 404
        assert operator.ask("GET", "/api/events")[0] == 404
        found = re.search(r"the API is asked at http://127\.0\.0\.1:(\d+)", operator.log.read_text())
        assert found
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/api/v1/events") as answer:
            assert len(json.load(answer)["items"]) == 1
        for path, method in (("/events/production", "POST"), ("/nothing", "GET")):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(
                    urllib.request.Request(f"http://127.0.0.1:{found[1]}{path}", method=method)
                )


def test_claims_that_nobody_would_ask_for_any_more_are_believed(site: Site) -> None:
    """Of a registry that is not verified from now on, or not asked."""
    site.add_host("solo", APP)
    change(
        site,
        lambda all_: all_["registries"]["production"].update(
            url=f"http://127.0.0.1:{free_port()}", sweep_interval="1h", verify=True
        ),
    )
    with site.operator() as operator:
        assert sent(operator, SECRET) == 202
        until(lambda: operator.get("/api/events")[0]["waits"])
        assert operator.get("/api/rollouts") == []
        change(site, lambda all_: all_["registries"]["production"].update(verify=False))
        hang_up(operator, "the settings were read again")
        until(lambda: operator.get("/api/rollouts"))
        assert not operator.get("/api/events")[0]["waits"]
        change(site, lambda all_: all_["registries"]["production"].update(verify=True))
        hang_up(operator, "the settings were read again")
        assert sent(operator, SECRET, 2) == 202
        until(lambda: operator.get("/api/events")[0]["waits"])
    change(
        site,
        lambda all_: (
            all_["registries"]["production"].pop("verify"),
            all_["registries"]["production"].update(sweep_interval="never"),
        ),
    )
    with site.operator() as operator:
        until(lambda: len(operator.get("/api/rollouts")) == 2)
