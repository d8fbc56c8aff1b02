"""What is wrong with a registry, and to be known of its tags, as its log says it: each once, and of what is wrong that it is no more."""

import logging
from collections.abc import Collection

from registry_docker_updater.core.schedules.polls import Tag

_log = logging.getLogger(__name__)
# So much is shown where the registry is.
_MOST_NOTES = 20


class RegistryProblems:
    """What is wrong now with a registry (None), or with what it was asked for."""

    def __init__(self, registry: str) -> None:
        """Begin with nothing; ``registry`` is its name."""
        self._registry = registry
        self._problems: dict[Tag | None, str] = {}
        self._notes: dict[Tag, tuple[str, ...]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of its tags, the first of it."""
        return tuple(sorted(one for some in self._notes.values() for one in some)[:_MOST_NOTES])

    def report(self, what: Tag | None, problem: str | None) -> None:
        """Log a ``problem``, once; and that it is right again (None)."""
        if self._problems.get(what) == problem:
            return
        if problem:
            # What is wrong with many tags, as a login that is missing, is said once.
            if problem not in self._problems.values():
                _log.warning("%s", problem)
            self._problems[what] = problem
        else:
            del self._problems[what]
            _log.info("registry %s: %s can be asked again", self._registry, what or "it")

    def note(self, what: Tag, notes: tuple[str, ...]) -> None:
        """Log what is to be known of tags, each once; it takes the place of what was known before."""
        for one in notes:
            if one not in self._notes.get(what, ()):
                _log.warning("registry %s: %s", self._registry, one)
        self._notes[what] = notes

    def keep(self, tags: Collection[Tag]) -> None:
        """Forget what was wrong with, and noted of, all but ``tags``."""
        self._problems = {what: why for what, why in self._problems.items() if not what or what in tags}
        self._notes = {what: notes for what, notes in self._notes.items() if what in tags}
