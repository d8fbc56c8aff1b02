"""What people decide of a push that waits for them: approvals and refusals."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Decision:
    """The word of ``person`` on a push, for the targets with ``keys``: whether it ``is_approval``, or a refusal, and why.

    ``at`` is the operator's clock. A target that was not there then is not meant.
    """

    id: int
    push: int
    keys: frozenset[str]
    person: str
    at: datetime
    is_approval: bool
    reason: str | None = None
