# SPDX-License-Identifier: Apache-2.0
"""Taking a lab down, whoever made it and whatever is left of it.

It goes by names and by what is in the lab's own control groups, so it needs neither the process that made
the lab nor its state. It ends no process that is not in those groups or in a record of the lab.
"""

from pathlib import Path

from lab import cgroups, network
from lab.commands import run
from lab.places import PROJECT, state_directory, state_parent
from lab.processes import Process, end_all
from lab.spec import check_name, is_name
from lab.waiting import until


def sweep(lab: str) -> None:
    """Remove every process, namespace, interface, mount, control group and file of a lab.

    Raises `ValueError` for what cannot be the name of a lab.
    """
    check_name("lab", lab)  # it becomes part of what is removed
    directory = state_directory(lab)
    cgroups.thaw(lab)
    for record in (*directory.glob("hosts/*/init"), *directory.glob("registries/*/process")):
        process = Process.recorded(record)
        if process:
            process.end(who=f"lab {lab}: {record.parent.name}")
    until(lambda: _end_processes(lab), who=f"lab {lab}", what="its processes ended", deadline=20)
    network.remove(lab)
    for mount in reversed(mounts_below(directory)):
        run("umount", "--lazy", mount)
    # A process that whoever made the lab had just begun may join the groups only now.
    until(
        lambda: _end_processes(lab) and cgroups.remove(lab),
        who=f"lab {lab}",
        what="control groups removed",
        deadline=20,
    )
    if directory.exists():
        run("rm", "--recursive", "--force", "--one-file-system", str(directory), timeout=300)


def known_labs() -> list[str]:
    """The names of the labs of which anything is there: state, namespaces or control groups."""
    states = {state.name for state in state_parent().glob("*") if state.is_dir()}
    return sorted(name for name in states | network.labs() | cgroups.labs() if is_name(name))


def leftovers(lab: str) -> list[str]:
    """What is there of a lab, in words; an empty list if it is gone."""
    found = [f"process {pid}" for pid in sorted(cgroups.processes(lab))]
    found += [f"network namespace {name}" for name in network.namespaces(lab)]
    found += [f"mount {mount}" for mount in mounts_below(state_directory(lab))]
    found += [f"control groups of {PROJECT}/{lab}"] if lab in cgroups.labs() else []
    found += [f"state {state_directory(lab)}"] if state_directory(lab).exists() else []
    return found


def mounts_below(directory: Path) -> list[str]:
    """The mount points below a folder in this mount namespace, outer ones first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(directory)]


def _end_processes(lab: str) -> bool:
    pids = cgroups.processes(lab)
    end_all(pids)
    return not pids
