"""Heads of the trail that were kept elsewhere."""

import json

from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.core.audit.heads import head_text, heads_in

ONE, OTHER = TrailHead(7, "a" * 64), TrailHead(12, "b" * 64)


def test_heads_are_found_in_whatever_holds_them() -> None:
    lines = [
        f"2026-11-22T12:00:00.000Z control {head_text(ONE)}",
        "Nov 22 12:00:01 control registry-docker-updater: rollout 7: finished",
        json.dumps({"text": head_text(OTHER), "sequence": 12}),
    ]
    assert heads_in(lines) == {7: {"a" * 64}, 12: {"b" * 64}}


def test_two_heads_of_one_entry_are_both_kept() -> None:
    assert heads_in([head_text(ONE), head_text(TrailHead(7, "c" * 64))]) == {7: {"a" * 64, "c" * 64}}


def test_what_only_looks_like_a_head_is_none() -> None:
    assert heads_in(["trail head 7 abc", "trail head x " + "a" * 64, f"trail head 7 {'a' * 65}", ""]) == {}
