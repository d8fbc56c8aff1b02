"""What of changed settings a running operator can take, and what is read at its start only."""

from collections.abc import Iterator

from registry_docker_updater.settings.model import Settings

# What of a registry the sweep has taken with it.
_ASKED = ("hosts", "url", "ca", "credentials", "sweep_interval")


def needing_restart(before: Settings, now: Settings) -> Iterator[str]:
    """Yield the paths of settings that differ, and are read at the start only."""
    if (before.listen.address, before.listen.port) != (now.listen.address, now.listen.port):
        yield "listen"
    if before.listen.api != now.listen.api:
        yield "listen.api"
    if bool(before.listen.tls) is not bool(now.listen.tls):
        yield "listen.tls"
    for name in ("state_directory", "fleet", "rollouts", "audit", "runs", "keep"):
        if getattr(before, name) != getattr(now, name):
            yield name
    for name in sorted(before.registries.keys() | now.registries.keys()):
        one, other = before.registries.get(name), now.registries.get(name)
        if not (one and other) or any(getattr(one, part) != getattr(other, part) for part in _ASKED):
            yield f"registries.{name}"
