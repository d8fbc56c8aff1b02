# SPDX-License-Identifier: Apache-2.0
"""The page of the first steps, followed word by word by somebody new on a machine with an engine and Python, and nothing of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.first_steps import USER, Step, Terminal, prepare, steps
from lab import HostSpec, Lab, LabSpec
from lab.host import Host

_SECONDS_A_STEP = 150


@pytest.fixture(params=["trixie", pytest.param("bookworm", marks=pytest.mark.extended)])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    with Lab.running(LabSpec("first-steps", hosts=(HostSpec("mine", suite=request.param),))) as lab:
        host = lab.host("mine")
        prepare(host, tmp_path)
        yield host


@pytest.mark.lab
@pytest.mark.slow
def test_every_block_of_the_first_steps_does_what_the_page_says_and_leaves_nothing_behind(host: Host) -> None:
    terminal = Terminal(host)
    for step in steps():
        output = terminal.type(step.commands, _SECONDS_A_STEP)
        assert step.is_seen_in(output), f"{step.commands}printed\n{output}instead of\n{step.seen}"
        assert terminal.type("echo $?").strip() == "0", f"{step.commands}printed\n{output}"

    assert host.docker("ps", "--all", "--quiet") == ""
    assert not host.machine.inside(f"/home/{USER}/first-steps").exists()
    assert not host.machine.processes_of("registry-docker-updater")


@pytest.mark.parametrize(
    ("output", "is_seen"),
    [
        ("asking …\n  mine: answers\nnote: nobody\n1 of 1 hosts answer\n", True),
        ("  mine: answers\n1 of 1 hosts answer\n", True),
        ("  mine: answers\n1 of 2 hosts answer\n", False),
        ("1 of 1 hosts answer\n  mine: answers\n", False),
        ("  mine: answers\n1 of 1 hosts answer, and 1 does not\n", False),
    ],
)
def test_what_a_page_says_is_seen_only_where_every_line_of_it_stands_in_this_order(
    output: str, is_seen: bool
) -> None:
    assert Step("check", "  mine: …\n1 of 1 hosts answer\n").is_seen_in(output) is is_seen


def test_where_a_page_says_nothing_of_what_is_seen_any_output_will_do() -> None:
    assert Step("serve &", "").is_seen_in("[1] 534")
