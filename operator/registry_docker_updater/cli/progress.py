"""How far something long is, where somebody looks on."""

from registry_docker_updater.activities.evidence import Progress
from registry_docker_updater.cli.output import Output

_SAID_EVERY = 1000


def progress_on(output: Output, entries: int | None = None) -> Progress:
    """Return what shows how far it is, on a terminal; ``entries`` is how many there are, where that is known."""
    of_all = f" of {entries:,}" if entries is not None else ""

    def progress(what: str, count: int) -> None:
        if count % _SAID_EVERY == 0 and output.err.isatty():
            output.progress(f"{count:,}{of_all if what == 'entries' else ''} {what}")

    return progress
