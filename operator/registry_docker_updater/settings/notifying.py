"""How teams are told, as the settings say it."""

from datetime import timedelta

from registry_docker_updater.activities.notify import NotificationPolicy
from registry_docker_updater.settings.model import Settings

# A run tells a receiver on all its channels, and each of them gives up after seconds.
_LONGEST = timedelta(minutes=5)


def notification_policy(settings: Settings) -> NotificationPolicy:
    """Return how teams are told, and who they are."""
    given = settings.notifications
    variables = {"notification_templates": str(given.templates)} if given.templates else {}
    return NotificationPolicy(
        given.as_core, given.policy, min(_LONGEST, settings.rollouts.timeout), variables
    )
