"""Asking the hosts what they run, for the commands that want to know now."""

from registry_docker_updater.activities.discovery import discover
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.merging import merge
from registry_docker_updater.core.fleet.reports import HostReport
from registry_docker_updater.parts import Parts


def known_fleet(parts: Parts, output: Output, *, fresh: bool) -> Fleet:
    """Return the fleet as it was scanned last, or as it is now when it is to be ``fresh`` or was never scanned."""
    known = parts.storage.fleet.load()
    return known if known.hosts and not fresh else scan(parts, output)


def scan(parts: Parts, output: Output) -> Fleet:
    """Return the fleet as it is now; remark what each host says."""
    settings = parts.settings.fleet
    output.remark(f"asking {settings.hosts} of {settings.inventory} …")

    def report(one: HostReport) -> None:
        output.remark(f"  {one.host}: {one.error or 'answers'}")

    before = parts.storage.fleet.load()
    found = discover(
        parts.playbooks,
        parts.runs / "scans",
        settings.hosts,
        parts.clock,
        known=before.hosts,
        on_report=report,
    )
    return merge(before, found.reports.values(), parts.clock())
