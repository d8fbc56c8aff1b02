"""Who is told of what, and when: the receivers, of which the inventory has the channels and their secrets."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationInfo, field_validator

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.notifications import receivers as core
from registry_docker_updater.core.notifications.hours import Daily, QuietHours
from registry_docker_updater.core.notifications.news import USUAL_TOPICS, Topic
from registry_docker_updater.core.notifications.schedule import SendingPolicy
from registry_docker_updater.settings.secret import Section
from registry_docker_updater.settings.values import (
    Duration,
    Name,
    ReadablePath,
    TimeOfDay,
    Zone,
    not_before_first,
)


class QuietHoursSettings(Section):
    """When a receiver is told of nothing but what is urgent."""

    begin: TimeOfDay = Field(description="When they begin, such as 22:00.")
    end: TimeOfDay = Field(description="When they end, such as 07:00; what came meanwhile is told then.")
    zone: Zone = Field("UTC", description="The time zone, such as Europe/Berlin.")
    urgent: tuple[Topic, ...] = Field(
        (Topic.UPDATE_FAILED,), description="Topics that are told all the same; [] for none."
    )

    @field_validator("end")
    @classmethod
    def _some(cls, value: time, info: ValidationInfo) -> time:
        if value == info.data.get("begin"):
            raise ValueError("is the same time as begin")
        return value


class DigestSettings(Section):
    """What a receiver is told of once a day."""

    at: TimeOfDay = Field(description="When, such as 08:00.")
    zone: Zone = Field("UTC", description="The time zone, such as Europe/Berlin.")
    topics: tuple[Topic, ...] = Field(
        (Topic.IMAGE_UPDATED,), description="Topics that are told so; the others are told at once."
    )


_SOME: JsonValue = {"minItems": 1}
_CONDITIONS: list[JsonValue] = [
    {"required": ["registries"], "properties": {"registries": _SOME}},
    {"required": ["repositories"], "properties": {"repositories": _SOME}},
    {"required": ["swarms"], "properties": {"swarms": _SOME}},
    {"required": ["groups"], "properties": {"groups": _SOME}},
]


class RuleSettings(Section):
    """News that a receiver gets: those that meet each condition; patterns such as prod/* match."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _CONDITIONS})

    registries: tuple[str, ...] = Field((), description="Registries, by their names here.")
    repositories: tuple[str, ...] = Field((), description="Repositories, such as prod/*.")
    swarms: tuple[str, ...] = Field((), description="Swarms, by the name of any of their managers, or by id.")
    groups: tuple[str, ...] = Field((), description="Groups of the inventory in which a target's hosts are.")

    @classmethod
    def lacks(cls, given: Mapping[str, Any]) -> str | None:
        """Return what is wrong where no condition is given."""
        is_some = any(given.get(name) for name in cls.model_fields)
        return None if is_some else "has no condition; write `gets: everything` where that is meant"


class ReceiverSettings(Section):
    """A receiver: a team with channels of its own, which the inventory has in notification_receivers."""

    gets: Literal["everything", "the rest", "labelled"] | tuple[RuleSettings, ...] | None = Field(
        None,
        description=(
            "What it is told of, besides targets whose label names it: everything, the rest (what nobody else gets), labelled"
            " (nothing else), or a list of rules of which any is enough. Without it, default gets everything, others nothing else."
        ),
    )
    topics: tuple[Topic, ...] = Field(
        USUAL_TOPICS, description="Topics that it is told of; `started` only where it stands here."
    )
    quiet_hours: QuietHoursSettings | None = Field(None, description="Hours in which it is left alone.")
    digest: DigestSettings | None = Field(None, description="What it is told of once a day.")

    def as_core(self, name: str) -> core.Receiver:
        """Return the same as the core takes it."""
        quiet, digest = self.quiet_hours, self.digest
        return core.Receiver(
            name,
            self._gets(name),
            self.topics,
            QuietHours(quiet.begin, quiet.end, quiet.zone) if quiet else None,
            quiet.urgent if quiet else (),
            Daily(digest.at, digest.zone) if digest else None,
            digest.topics if digest else (),
        )

    def _gets(self, name: str) -> core.Gets | tuple[core.Rule, ...]:
        if isinstance(self.gets, tuple):
            return tuple(core.Rule(**rule.model_dump()) for rule in self.gets)
        if self.gets is None:
            return core.Gets.EVERYTHING if name == core.DEFAULT else core.Gets.LABELLED
        return core.Gets(self.gets)


class RetryingSettings(Section):
    """When a channel that failed is tried again: twice as long to wait each time."""

    first: Duration = Field(timedelta(seconds=10), description="How long to wait after the first failure.")
    longest: Duration = Field(timedelta(minutes=15), validate_default=True, description="The longest wait.")
    give_up: Duration = Field(
        timedelta(days=1), description="For how long a message is tried before it is given up."
    )

    _in_order = field_validator("longest")(not_before_first)


class Notifications(Section):
    """Telling people."""

    bundle: Duration = Field(
        timedelta(seconds=30),
        description="How long news wait at most for those of rollouts that run just then: they are told in one message.",
    )
    retry: RetryingSettings = RetryingSettings()
    templates: ReadablePath | None = Field(
        None, description="A folder with templates of messages; each takes the place of ours of its name."
    )
    receivers: dict[Name, ReceiverSettings] = Field(
        {}, description="By name; `default` has the channels that the inventory sets for all."
    )

    @property
    def as_core(self) -> core.Receivers:
        """The receivers as the core takes them."""
        return core.Receivers({name: one.as_core(name) for name, one in self.receivers.items()})

    @property
    def policy(self) -> SendingPolicy:
        """How messages are sent, as the core takes it."""
        return SendingPolicy(self.bundle, Backoff(self.retry.first, self.retry.longest), self.retry.give_up)
