"""A run that waited for another on the same host takes that one's result, and none of before, whatever clocks say."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container import job
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

from unit.builders import HOST, NEW

REQUEST = Request(name="web", image=Reference.parse(f"{HOST}/test/app:1"), digest=NEW)
RESULT = {"name": "web", "image": f"{HOST}/test/app:1", "digest": NEW, "changed": True}


def said(journal: Journal, before: Any) -> Any:
    return job._already_done([], journal, REQUEST, before)


@pytest.mark.parametrize("set_by", [86400.0, -86400.0])
def test_only_what_another_run_did_meanwhile_is_told_though_the_hosts_clock_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_by: float
) -> None:
    journal = Journal(str(tmp_path), "engine")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    journal.keep_result("web", RESULT)
    before = journal.kept_result("web")
    monkeypatch.setattr(time, "time", lambda: now + set_by)
    assert said(journal, before) is None
    assert said(journal, None) is None
    journal.keep_result("web", RESULT)
    assert said(journal, before) == RESULT
    assert said(journal, None) is None


def test_what_another_run_did_under_another_tag_is_not_the_move_to_this_one(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), "engine")
    moved = replace(REQUEST, image=Reference.parse(f"{HOST}/test/app:2"))
    journal.keep_result("web", RESULT)
    assert job._already_done([], journal, moved, {}) is None
    journal.keep_result("web", {**RESULT, "image": f"{HOST}/test/app:2"})
    assert job._already_done([], journal, moved, {})
