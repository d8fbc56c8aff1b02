"""What can be looked for in each listing of the API: the filters of its query, all of which an item meets."""

from registry_docker_updater.core.audit.kinds import KINDS
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.http.query import moment, text, yes_or_no
from registry_docker_updater.storage.choices import EVENT_KINDS
from registry_docker_updater.views.outlook import VERDICTS

_PERIOD = (
    moment("since", "Only what came at this time or later."),
    moment("until", "Only what came before this time."),
)
OF_PUSH = (
    text("text", "Only what has this in a name, a digest, an actor or a reason, whatever its case."),
    text("registry", "Only of this registry, by its name in the settings."),
    text("repository", "Only of this repository."),
    text("tag", "Only of this tag."),
    text("digest", "Only of this digest."),
    text("actor", "Only what this person, or program, pushed."),
    *_PERIOD,
)
OF_EVENTS = (
    text("kind", "Only of this kind.", *EVENT_KINDS),
    yes_or_no("waits", "Only those of which the registry is to be asked, or only others."),
)
OF_ROLLOUTS = (text("state", "Only those in this state.", *RolloutState),)
OF_TARGETS = (
    text("text", "Only those with this in a name, place, image, digest or host, whatever its case."),
    text("name", "Only those that are called so, or have this key."),
    text("host", "Only those on this host of the inventory."),
    text("image", "Only those that run this image, such as registry.example.com/test/app:1."),
    text("kind", "Only of this kind.", *Kind),
    text("verdict", "Only those of which the planner says this.", *VERDICTS),
    yes_or_no("behind", "Only those that do not run what was pushed, or only others."),
)
OF_HOSTS = (
    text("text", "Only those with this in a name, swarm, engine or error, whatever its case."),
    text("swarm", "Only those in the swarm with this id."),
    yes_or_no("reachable", "Only those that answered when they were asked last, or only others."),
)
OF_TRAIL = (
    *_PERIOD,
    text("kind", "Only of this kind.", *KINDS),
    text("image", "Only about this image, such as test/app:1."),
    text("host", "Only about this host of the inventory."),
    text("person", "Only about what this person pushed or asked for."),
)
