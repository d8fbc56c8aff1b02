"""What metrics show that is read when somebody asks: the fleet, and what is kept."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What a gauge shows that is read when somebody asks: its name without the prefix, its labels' values, and its value."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


# What is read when somebody asks: by name, what it means, and its labels.
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ready": ("Whether each part works that /readyz asks for: 1 or 0.", ("part",)),
    "last_event_timestamp_seconds": ("When a registry sent an event last.", ("registry",)),
    "last_poll_timestamp_seconds": ("When the sweep asked a registry last.", ("registry",)),
    "registry_answers": ("Whether a registry answered when it was asked last: 1 or 0.", ("registry",)),
    "missed_pushes": (
        "Pushes that the sweep found and no event told of, since the registry told of one.",
        ("registry",),
    ),
    "claims_waiting": ("Events about which the registry is still to be asked.", ("registry",)),
    "rollouts": ("Rollouts that are kept, by their state.", ("state",)),
    "rollouts_due": ("Pushes with targets that wait for nothing but a free worker.", ()),
    "rollout_workers": ("How many rollouts may run side by side.", ()),
    "rollout_workers_busy": ("How many rollouts run.", ()),
    "waiting_for_approval": ("Pushes that wait for people to approve them.", ()),
    "oldest_waiting_for_approval_timestamp_seconds": (
        "Since when the oldest of the pushes has waited that wait for approval, with those before it whose place it took.",
        (),
    ),
    "frozen": ("Freezes that count: what people want nothing updated of, by what they are of.", ("scope",)),
    "notifications_waiting": ("Messages that are still to be sent.", ()),
    "notifications_failing": ("Messages that are still to be sent, and were tried in vain.", ()),
    "notification_channel_works": (
        "Whether the last message on a channel of a receiver was taken: 1 or 0; of those that only labels name, together.",
        ("receiver", "channel"),
    ),
    "hosts": ("Hosts of the fleet, by whether they answered when asked last.", ("state",)),
    "targets": ("Services and containers that opted in.", ()),
    "targets_behind": ("Targets that do not run what was pushed, by the planner's verdict.", ("verdict",)),
    "oldest_behind_timestamp_seconds": (
        "When the oldest of the pushes came that a target does not run, by verdict.",
        ("verdict",),
    ),
    "oldest_answer_timestamp_seconds": ("When the host was asked that was not asked for longest.", ()),
    "troubles": ("What is wrong and not silenced, as `status` counts it, by its kind.", ("kind",)),
}
