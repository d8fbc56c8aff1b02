"""Values as JSON has them."""

from datetime import datetime
from typing import Any, overload

from registry_docker_updater.core.moments import rfc3339

# What JSON can hold, by name.
Row = dict[str, Any]


@overload
def moment(value: datetime) -> str: ...


@overload
def moment(value: datetime | None) -> str | None: ...


def moment(value: datetime | None) -> str | None:
    """Return a moment as RFC 3339 in UTC, where there is one."""
    return rfc3339(value) if value else None
