# SPDX-License-Identifier: Apache-2.0
"""What a person can set, call or see stands in the docs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible_collections.registry.docker_updater.plugins.module_utils.foreign_labels import FOREIGN_LABELS
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import KNOWN_OPTIONS, OPT_IN
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.channels import TOPICS
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from integration.receivers import certificate
from registry_docker_updater.cli import main as cli
from registry_docker_updater.core.audit.kinds import KINDS
from registry_docker_updater.core.policy.reading import READERS
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.status.trouble import TroubleKind
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.by_hand import Pushes
from registry_docker_updater.http.listings import Listings
from registry_docker_updater.http.metrics import MetricsPage
from registry_docker_updater.http.receiver import Receiver
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.settings.model import Settings

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def test_every_kind_of_entry_of_the_trail_is_in_the_page_of_the_audit() -> None:
    listed = re.findall(r"^\| `([a-z_.]+)` \|", _page("audit"), re.MULTILINE)
    assert listed == list(KINDS)


def _page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def _settings(model: Any, path: str = "") -> Iterator[str]:
    """Every setting's path, sections by what is in them."""
    for name, field in model.model_fields.items():
        inner = [
            part
            for part in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if _is_section(part)
        ]
        here = f"{path}{name}"
        if here in ("registries", "notifications.receivers"):
            here += ".<name>"
        if not inner:
            yield here
        for section in inner:
            yield from _settings(section, f"{here}.")


def _is_section(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


@pytest.mark.parametrize("setting", sorted(_settings(Settings)))
def test_every_setting_is_in_the_table_of_settings(setting: str) -> None:
    """A setting that stands nowhere is one that nobody sets."""
    assert f"| `{setting}` |" in _page("settings")


def test_the_example_of_the_settings_is_right(tmp_path: Path) -> None:
    """Every key of the example is a setting; only its files are missing here."""
    example = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", _page("settings"), re.DOTALL)[0])
    certificate(tmp_path)
    (tmp_path / "mail.pem").rename(tmp_path / "tls.pem")
    (tmp_path / "mail.key").rename(tmp_path / "tls.key")
    (tmp_path / "secret").write_text("x")
    example["registries"]["production"]["secret"] = {"file": "secret"}
    example["listen"]["access"]["read"] = [{"file": "secret"}]
    example["fleet"]["inventory"] = "."

    settings = Settings.model_validate(example, context={"folder": tmp_path})

    assert settings.registries["production"].hosts == ("registry.example.com", "registry.internal:5000")


def test_every_command_and_option_is_in_the_page_of_commands() -> None:
    """As `--help` lists them."""
    page = _page("commands")
    subcommands = next(
        action for action in cli.parser()._actions if action.dest == "command" or action.choices
    )
    choices: dict[str, Any] = dict(subcommands.choices or {})
    assert choices
    for name, command in choices.items():
        assert f"| `{name}" in page, name
        for action in command._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or option in page, f"{name} {option}"


def test_every_label_is_in_the_table_of_labels() -> None:
    """The opt-in and every option."""
    for label in (OPT_IN, *KNOWN_OPTIONS):
        assert f"| `{label}` |" in _page("labels")


def test_every_rule_is_in_the_table_of_rules() -> None:
    for rule in READERS:
        assert f"| `{rule}` |" in _page("rules")


def test_every_label_of_other_tools_that_a_scan_tells_of_is_in_the_tables_of_those_tools() -> None:
    tables = _page("rules").partition("## Coming from other tools")[2]
    for label in FOREIGN_LABELS:
        own = label.removeprefix("com.centurylinklabs.watchtower.").removeprefix("keel.sh/")
        assert f"`{own}" in tables, label


def test_every_endpoint_is_in_the_table_of_requests() -> None:
    """As the application routes them."""
    nothing: Any = MagicMock()
    receiver = Receiver(nothing, nothing, nothing, nothing, nothing)
    pushes = Pushes(nothing)
    beside = MetricsPage(nothing, nothing).endpoints()
    api = Api(Listings(nothing, nothing, nothing, nothing, nothing), pushes, nothing, "1", beside)
    pages = _page("http") + _page("api")
    for one in (*receiver.endpoints(), *api.endpoints()):
        assert f"| `{one.method} {one.path.replace('{', '<').replace('}', '>')}` |" in pages


def test_every_metric_is_in_the_table_of_metrics_as_it_is_shown() -> None:
    """Name, type, labels and meaning; and nothing else."""
    metrics = Metrics()
    metrics.watch(list)
    shown = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation)
        for family in text_string_to_metric_families(metrics.exposition(is_open=False)[1].decode())
        if not family.name.startswith("process_")
    }
    rows = re.findall(
        r"^\| `(registry_[a-z_]+)` \| ([a-z]+) \| ([a-z`, ]*) \| (.*) \|$", _page("metrics"), re.MULTILINE
    )
    assert {(name, kind, meaning) for name, kind, _, meaning in rows} == shown
    assert {name: tuple(re.findall("[a-z]+", labels)) for name, _, labels, _ in rows} == metrics.labels


def test_every_alert_has_a_section_that_says_what_it_means_where_to_look_and_what_to_do() -> None:
    page = _page("alerts")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    (group,) = yaml.safe_load((ROOT / "docs/prometheus/alerts.yml").read_text())["groups"]
    assert [rule["alert"] for rule in group["rules"]] == list(sections)
    for rule in group["rules"]:
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"
        for part in ("**What it means.**", "**Look at**", "**Do.**"):
            assert part in sections[rule["alert"]], rule["alert"]


def test_every_outcome_is_in_the_table_of_outcomes() -> None:
    """What a person may read in a listing or message is explained."""
    for outcome in Outcome:
        assert f"| `{outcome}` |" in _page("commands")


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_is_in_its_readme(role: str) -> None:
    """And has a default that both files agree upon, unless it is required."""
    readme = (ROOT / "roles" / role / "README.md").read_text()
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())[
        "argument_specs"
    ]
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text()) or {}
    for entry in specs.values():
        for name, spec in entry["options"].items():
            assert name.startswith(f"{role}_"), name
            assert f"`{name}`" in readme, name
            if "default" in spec:
                assert defaults[name] == spec["default"], name
            elif defaults.get(name):
                assert "by default" in spec["description"].lower(), name
    documented = set(specs["main"]["options"])
    assert set(defaults) <= documented
    for names, shown in re.findall(r"^\| (`.*?`) \| (.*?) \|", readme, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            default = next(spec["options"][name] for spec in specs.values() if name in spec["options"])
            if default.get("default"):
                assert shown.strip("`").lower() == str(default["default"]).lower(), name


@pytest.mark.parametrize("playbook", sorted(path.name for path in (ROOT / "playbooks").glob("*.yml")))
def test_every_playbook_is_in_the_table_of_playbooks(playbook: str) -> None:
    """By its file's name."""
    assert f"| `{playbook}` |" in _page("playbooks")


def test_the_topics_of_handlers_are_those_that_are_listed() -> None:
    """A notified topic that nobody listens to is an error at run time, and one that is not listed is no contract."""
    handlers = [
        one
        for path in ROOT.glob("roles/*/handlers/*.yml")
        for one in yaml.safe_load(path.read_text())
        if "ansible.builtin.import_tasks" not in one
    ]
    assert handlers
    for one in handlers:
        assert one["listen"] == list(TOPICS), one["name"]
    for page in (_page("notifications"), _page("playbooks"), (ROOT / "README.md").read_text()):
        for topic in TOPICS:
            assert f"`{topic}`" in page


def test_no_page_links_to_a_page_that_is_not_there() -> None:
    """Links between the pages, from the README too."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("roles/*/README.md")):
        for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_kind_of_trouble_is_in_the_page_of_the_status() -> None:
    listed = re.findall(r"^\| `([a-z_]+)` \|", _page("status"), re.MULTILINE)
    assert [one for one in listed if one in set(TroubleKind)] == list(TroubleKind)
