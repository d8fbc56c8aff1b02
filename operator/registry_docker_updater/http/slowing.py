"""Who tries secrets is answered ever more slowly; who knows one is not, also from the same address."""

from collections import OrderedDict
from collections.abc import Callable

# How many wrong secrets are answered at once, and after how many seconds the next; then twice as long each time.
_FREE, _FIRST = 10, 0.05
# For how long an address is remembered that tries no more, and how many are.
_MEMORY, _MOST = 60.0, 10_000


class Slowing:
    """Remembers the addresses of which wrong secrets came; for one thread.

    ``steady`` tells the time in seconds, from whenever, and is never set. No answer comes later than ``longest`` seconds.
    """

    def __init__(self, steady: Callable[[], float], longest: float) -> None:
        """Begin with none."""
        self._steady, self._longest = steady, longest
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wrong(self, address: str) -> float:
        """Note a wrong secret of ``address``; return after how many seconds it is to be told."""
        now = self._steady()
        count, last = self._wrong.pop(address, (0, now))
        count = 1 if now - last > _MEMORY else count + 1
        self._wrong[address] = count, now
        if len(self._wrong) > _MOST:
            self._wrong.popitem(last=False)
        return 0.0 if count <= _FREE else min(_FIRST * 2.0 ** min(count - _FREE - 1, 10), self._longest)
