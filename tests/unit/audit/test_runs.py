"""Which kept runs a trail tells of."""

from registry_docker_updater.core.audit.runs import RunsTold
from unit.audit.entries import chained


def test_the_runs_that_are_to_be_there_are_those_that_entries_tell_of_and_that_were_not_removed() -> None:
    entries = chained(
        {"kind": "run.began"},
        {"facts": {"kept_in": "1/update-1", "manifest": "a"}},
        {"facts": {"kept_in": "1/notify-1", "manifest": "b"}},
        {"facts": {"kept_in": "2/update-1", "manifest": None}},
        {"kind": "pruned", "facts": {"runs": ["1/update-1", "0/update-1"]}},
    )
    runs = RunsTold()
    for one in entries:
        runs.see(one)
    assert list(runs.kept()) == [("1/notify-1", "b", entries[2])]
    assert runs.names == {"0/update-1", "1/update-1", "1/notify-1", "2/update-1"}


def test_a_run_that_is_told_of_again_as_another_is_found_unless_it_was_removed_between() -> None:
    again = {"facts": {"kept_in": "1/update-1", "manifest": "other"}}
    runs = RunsTold()
    for one in chained({"facts": {"kept_in": "1/update-1", "manifest": "a"}}, again, again):
        runs.see(one)
    assert [flaw.sequence for flaw in runs.flaws] == [2, 3]
    runs.see(chained({"facts": {"kept_in": "1/update-1", "manifest": "a"}})[0])
    assert len(runs.flaws) == 2
    assert [manifest for _, manifest, _ in runs.kept()] == ["a"]
    runs = RunsTold()
    removed = {"kind": "pruned", "facts": {"runs": ["1/update-1"]}}
    for one in chained({"facts": {"kept_in": "1/update-1", "manifest": "a"}}, removed, again):
        runs.see(one)
    assert runs.flaws == ()
    assert [manifest for _, manifest, _ in runs.kept()] == ["other"]
    assert runs.last == 3


def test_what_somebody_made_of_an_entry_is_no_hindrance() -> None:
    runs = RunsTold()
    for one in chained({"kind": "pruned", "facts": {"runs": 5}}, {"facts": {"kept_in": 7, "manifest": []}}):
        runs.see(one)
    assert runs.names == frozenset()
