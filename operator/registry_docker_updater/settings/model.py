"""What can be set: every section and setting, with its default and what it is for."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.policy.policies import Policies
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.settings.audit import Audit, Keep
from registry_docker_updater.settings.listen import Listen
from registry_docker_updater.settings.notifications import Notifications
from registry_docker_updater.settings.policies import PolicySettings
from registry_docker_updater.settings.registry import Registry
from registry_docker_updater.settings.secret import Section
from registry_docker_updater.settings.values import (
    Attempts,
    Duration,
    Name,
    ReadablePath,
    RelativePath,
    Share,
    Workers,
    not_before_first,
)


class Fleet(Section):
    """The hosts to look at."""

    inventory: ReadablePath = Field(description="The Ansible inventory: a file, a folder, or a program.")
    hosts: str = Field("all", min_length=1, description="Which of its hosts, as an Ansible pattern.")
    scan_interval: Duration = Field(
        timedelta(seconds=60), description="How often each host is asked, as far as scan_share allows."
    )
    environment: tuple[str, ...] = Field(
        (),
        description="Variables of the operator's environment that Ansible gets, too, such as AWS_PROFILE.",
    )
    scan_share: Share = Field(0.2, description="How much of one processor all scans may use.")


class RetrySettings(Section):
    """When a rollout that failed is run again: twice as long to wait each time."""

    first: Duration = Field(timedelta(seconds=10), description="How long to wait after the first failure.")
    longest: Duration = Field(timedelta(minutes=15), validate_default=True, description="The longest wait.")
    attempts: Attempts = Field(10, description="How many runs a rollout has at most.")

    _in_order = field_validator("longest")(not_before_first)


class Rollouts(Section):
    """How rollouts run."""

    workers: Workers = Field(4, description="How many run side by side.")
    timeout: Duration = Field(
        timedelta(minutes=30), description="How long one run may take before it is ended."
    )
    retry: RetrySettings = RetrySettings()

    @property
    def retry_policy(self) -> RetryPolicy:
        """The same as the core takes it."""
        return RetryPolicy(Backoff(self.retry.first, self.retry.longest), self.retry.attempts)


class Runs(Section):
    """What is kept of each run of a playbook."""

    keep: Literal["everything", "outcomes"] = Field(
        "everything",
        description="Everything that a run said, or only the outcomes that our own modules tell, and nothing that others print.",
    )


class Log(Section):
    """How the operator logs, on standard error."""

    format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or a JSON object a line, for what collects logs."
    )
    level: Literal["error", "warning", "info", "debug"] = Field(
        "info", description="The least that is logged; at debug, nothing that repeats is left out."
    )


class Settings(Section):
    """Everything that can be set."""

    listen: Listen = Listen()
    state_directory: RelativePath = Field(
        Path("/var/lib/registry-docker-updater"), description="Where the database and the kept runs lie."
    )
    registries: dict[Name, Registry] = Field(
        min_length=1, description="By name; each receives at /events/<name>."
    )
    fleet: Fleet
    rollouts: Rollouts = Rollouts()
    policies: tuple[PolicySettings, ...] = Field(
        (), description="When, and whether, targets are updated; all count that are for an image."
    )
    notifications: Notifications = Notifications()
    audit: Audit = Audit()
    keep: Keep = Keep()
    runs: Runs = Runs()
    log: Log = Log()

    @property
    def policies_as_core(self) -> Policies:
        """The policies as the core takes them."""
        return Policies(tuple(one.as_core for one in self.policies))
