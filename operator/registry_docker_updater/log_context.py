"""What lines of the log are about: who works on something says so once, and every line logged meanwhile has it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

# What a line can be about, in the order in which it says so.
ABOUT = ("event", "rollout", "run", "target", "registry", "host")
# For ``extra``: a line that goes on all the time, whatever its numbers; and one that no other is like.
ROUTINE: Mapping[str, bool] = {"is_routine": True}
UNLIKE_OTHERS: Mapping[str, bool] = {"is_unlike_others": True}

_about: ContextVar[Mapping[str, int | str]] = ContextVar("about", default={})  # noqa: B039 - never changed


@contextmanager
def about(**ids: int | str) -> Iterator[None]:
    """Have every line that this thread logs meanwhile be about these, too: they are among :data:`ABOUT`."""
    before = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        _about.reset(before)


def now_about() -> Mapping[str, int | str]:
    """Return what lines of this thread are about now."""
    return _about.get()
