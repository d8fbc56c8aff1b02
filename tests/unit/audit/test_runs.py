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
