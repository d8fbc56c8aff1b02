"""Pushes that wait for people, as the planner has them wait."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.planner import concerning, open_pushes, open_targets, plan
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.storage.actions import keep_plan
from registry_docker_updater.storage.storage import Storage


def look(storage: Storage, hosts: Mapping[str, Sequence[str]], now: datetime) -> Plan:
    """Have the planner look at everything, and keep what it says of what waits; return its plan."""
    fleet, images = storage.fleet.load(), DesiredImages(hosts)
    images.add(storage.events.desired(hosts))
    run = list(images.run_by(fleet.by_name))
    history = storage.history(hosts, open_targets(run, fleet), open_pushes(run, fleet))
    planned = plan(concerning(images, run, history), fleet, history, now)
    keep_plan(storage, planned, now)
    return planned
