"""What an entry of the trail can be of, and what each means."""

from collections.abc import Mapping

TRAIL_BEGAN = "trail.began"
OPERATOR_STARTED = "operator.started"
SETTINGS_CHANGED = "settings.changed"
PLAYBOOKS_CHANGED = "playbooks.changed"
EVENT_RECEIVED = "event.received"
EVENT_IGNORED = "event.ignored"
PUSH_FOUND = "push.found"
REGISTRY_ANSWERED = "registry.answered"
CLAIM_CONFIRMED = "claim.confirmed"
CLAIM_BELIEVED = "claim.believed"
CLAIM_REJECTED = "claim.rejected"
PUSHES_MATCHED = "pushes.matched"
PUSH_INSISTED = "push.insisted"
RUN_BEGAN = "run.began"
TARGET_ENDED = "target.ended"
RUN_ENDED = "run.ended"
RUN_INTERRUPTED = "run.interrupted"
RUN_KEPT = "run.kept"
TARGET_REPAIRED = "target.repaired"
ROLLOUT_RETRIED = "rollout.retried"
ROLLOUT_SUPERSEDED = "rollout.superseded"
ROLLOUT_SETTLED = "rollout.settled"
ROLLOUT_WAITS = "rollout.waits"
ROLLOUT_APPROVED = "rollout.approved"
ROLLOUT_REFUSED = "rollout.refused"
RUN_HELD = "run.held"
OVERRIDES_CLOSED = "overrides.closed"
NEWS_CAME = "news.came"
NEWS_ROUTED = "news.routed"
TEAM_TOLD = "team.told"
TEAM_NOT_TOLD = "team.not_told"
SILENCE_BEGAN = "silence.began"
SILENCE_ENDED = "silence.ended"
FREEZE_BEGAN = "freeze.began"
FREEZE_ENDED = "freeze.ended"
CLOCK_SET = "clock.set"
DATABASE_RESTORED = "database.restored"
PRUNED = "pruned"

KINDS: Mapping[str, str] = {
    TRAIL_BEGAN: "the trail began, with what the database held before",
    OPERATOR_STARTED: "the operator started: its version, settings, playbooks and inventory",
    SETTINGS_CHANGED: "the settings were read again, and are others",
    PLAYBOOKS_CHANGED: "playbooks, roles, modules, inventory or Ansible's settings are others than at the last run",
    EVENT_RECEIVED: "a registry, or a person by hand, told of a push; or sent what nobody can read",
    EVENT_IGNORED: "the first event of a registry that is ignored for this reason",
    PUSH_FOUND: "the registry was asked, and has a digest that no event told of",
    REGISTRY_ANSWERED: "what the registry said first after a push by hand",
    CLAIM_CONFIRMED: "the registry says the same as an event",
    CLAIM_BELIEVED: "an event is believed without the registry",
    CLAIM_REJECTED: "an event is not believed, or nothing comes of it",
    PUSHES_MATCHED: "which targets pushes concern and what is to be done with each; or that nobody runs them",
    PUSH_INSISTED: "a person wants a push on targets whatever became of them before",
    RUN_BEGAN: "a playbook run for a push began: on which hosts, with which playbooks, inventory and variables",
    TARGET_ENDED: "what became of one target, with old and new digest",
    RUN_ENDED: "a playbook run ended: its exit code, and the hash of what is kept of it",
    RUN_INTERRUPTED: "nobody heard of a run's end; it is due again",
    RUN_KEPT: "what is kept of a run that was interrupted",
    TARGET_REPAIRED: "an update that was interrupted on a host was finished there",
    ROLLOUT_RETRIED: "a person had a rollout run again",
    ROLLOUT_SUPERSEDED: "a newer push took a rollout's place",
    ROLLOUT_SETTLED: "a rollout ended without another run",
    ROLLOUT_WAITS: "targets wait for a push by a rule or for a person, and why; or none does any more",
    ROLLOUT_APPROVED: "a person approved a push for targets",
    ROLLOUT_REFUSED: "a person refused a push for targets, and why",
    RUN_HELD: "a run is to begin no other step, and why",
    OVERRIDES_CLOSED: "what a person wanted whatever came before is done, or has been overtaken",
    NEWS_CAME: "there is something to tell that no run ended with: one began, targets wait, or a registry went silent or tells again",
    NEWS_ROUTED: "who is told of news, and with which message; or why nobody is",
    TEAM_TOLD: "a receiver was told, with a message, on all its channels",
    TEAM_NOT_TOLD: "a receiver was not told on all its channels, and why",
    SILENCE_BEGAN: "a person silenced a trouble that is known, until when, and why",
    SILENCE_ENDED: "a person ended a silence before its time",
    FREEZE_BEGAN: "a person wants nothing updated of something, until when, and why",
    FREEZE_ENDED: "a person thawed what was frozen, before its time where it had one",
    CLOCK_SET: "the machine's clock was set, and times that are compared with it were put right",
    DATABASE_RESTORED: "a person restored a backup: what came after its head is not here",
    PRUNED: "what had been kept for long enough was removed",
}
