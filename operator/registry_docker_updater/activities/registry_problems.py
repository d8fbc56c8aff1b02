"""What is wrong with a registry, as its log says it: each problem once, and that it is no more."""

import logging
from collections.abc import Collection

from registry_docker_updater.core.schedules.polls import Tag

_log = logging.getLogger(__name__)


class RegistryProblems:
    """What is wrong now with a registry (None), or with what it was asked for."""

    def __init__(self, registry: str) -> None:
        """Begin with nothing; ``registry`` is its name."""
        self._registry = registry
        self._problems: dict[Tag | None, str] = {}

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

    def keep(self, tags: Collection[Tag]) -> None:
        """Forget what was wrong with all but ``tags``."""
        self._problems = {what: why for what, why in self._problems.items() if not what or what in tags}
