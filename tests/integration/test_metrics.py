"""The metrics that a running operator shows: what happens is counted, and the docs list every one."""

import http.client
import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as parsed

from integration.conftest import SECRET, Running, Site, until
from integration.test_operator import APP, ended_rollouts, event, scanned

DOCS = Path(__file__).parents[2] / "docs"
Samples = dict[tuple[str, tuple[str, ...]], float]


def exposition(operator: Running, accept: str = "", token: str = SECRET) -> tuple[int, str, str]:
    """Status, media type and text of the metrics."""
    assert operator.port
    connection = http.client.HTTPConnection("127.0.0.1", operator.port, timeout=20)
    connection.request("GET", "/metrics", headers={"Accept": accept, "Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Content-Type", ""), text


def samples(text: str) -> Samples:
    """The values by name, without our prefix, and the values of the labels."""
    return {
        (one.name.removeprefix("registry_docker_updater_"), tuple(one.labels.values())): one.value
        for family in parsed(text)
        for one in family.samples
    }


def scrape(operator: Running) -> Samples:
    return samples(exposition(operator)[2])


def test_show(site: Site) -> None:
    site.add_host("solo", APP)
    site.add_host("down", is_down=True)
    with site.operator() as operator:
        until(lambda: operator.ask("GET", "/readyz")[0] == 200)
        scanned(operator)
        operator.ask("POST", "/events/production", event())
        until(lambda: ended_rollouts(operator))
        time.sleep(3)
        print(exposition(operator)[2])
        print(operator.log.read_text())
