"""What is kept for how long, and where the head of the trail is, out of reach of whoever can write the database."""

from datetime import timedelta

from pydantic import ByteSize, Field

from registry_docker_updater.core.audit.retention import KeepPolicy
from registry_docker_updater.settings.secret import Secret, Section
from registry_docker_updater.settings.values import (
    Duration,
    KeptFor,
    RelativePath,
    Size,
    Switch,
    SyslogAddress,
)


class Heads(Section):
    """Where the hash of the last entry is kept, so that a trail that was written anew as a whole shows."""

    interval: Duration = Field(
        timedelta(minutes=5),
        description="How often, besides at each rollout's end; only where there is a new one.",
    )
    log: Switch = Field(True, description="In the operator's log.")
    file: RelativePath | None = Field(
        None, description="In a file, a line each; on another mount, which the operator can only append to."
    )
    syslog: SyslogAddress | None = Field(
        None, description="By syslog: a socket such as /dev/log, or host:port, by UDP."
    )
    webhook: Secret | None = Field(
        None, description="Posted as JSON to the address that is in this file or variable."
    )


class Keep(Section):
    """How long things are kept. What still counts is kept for longer."""

    runs: KeptFor = Field(timedelta(days=90), description="Kept runs of playbooks, or forever.")
    size: Size = Field(
        ByteSize(10 * 2**30), description="How much room kept runs may take; the oldest go first."
    )
    events: KeptFor = Field(
        timedelta(days=365), description="Events, and all that followed from them, or forever."
    )

    @property
    def policy(self) -> KeepPolicy:
        """The same as the core takes it."""
        return KeepPolicy(self.runs, self.size, self.events)


class Audit(Section):
    """The trail."""

    heads: Heads = Heads()
