"""The errors that people see.

UpdaterError                 base: a sentence that names the thing, and the remedy where there is one
├── BadSettings              the settings file is wrong; all that is wrong, each with its path
├── NotAsKept                what is to be backed up or restored does not verify; what is wrong, the first few
├── StoreUnavailable         the database cannot be opened, read or written
│   └── NewerDatabase        the database is of a later version of this program
├── NothingKnown             what was asked for does not exist
├── NotAsked                 what was asked for cannot be meant; which part of it, and why
├── NotNow                   what was asked for cannot be done as things stand
├── RegistryUnavailable      nothing can be asked of a registry
├── RepositoryUnavailable    a registry does not tell of one repository or tag
├── NotKnownYet              whether a sender is who it says it is cannot be told before its key is here
└── WasStopped               what was begun is not done, because the operator ends
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

# Of many flaws, so many are said one by one.
_MOST_SAID = 5


class UpdaterError(Exception):
    """Base of the errors that are told to a person as one sentence, without a traceback."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What is told, line by line; in none of them does a text from outside begin another."""
        return (str(self),)


class BadSettings(UpdaterError):
    """The settings are wrong; ``problems`` holds a line for each, with its path in the file."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        """Keep the file's name and the problems found in it."""
        self.problems = tuple(problems)
        self._where = where
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """The file's name, and a line for each problem."""
        return f"{self._where} has {_count(len(self.problems))}:", *(f"  {one}" for one in self.problems)


class NotAsKept(UpdaterError):
    """What is to be backed up, or restored, is not as it was kept; ``flaws`` holds a sentence for each thing."""

    def __init__(self, what: str, flaws: Sequence[str]) -> None:
        """Say ``what`` it is, and keep what is wrong with it."""
        self.flaws = tuple(flaws)
        self._what = what
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """What it is, a line for each of the first flaws, and how many more there are."""
        more = len(self.flaws) - _MOST_SAID
        said = (*self.flaws[:_MOST_SAID], *([f"and {more:,} more"] if more > 0 else ()))
        return f"{self._what}:", *(f"  {one}" for one in said)


class StoreUnavailable(UpdaterError):
    """The database cannot be opened, read or written; nothing was committed."""


class NewerDatabase(StoreUnavailable):
    """The database at ``path`` is of a later version: its tables are others, and nothing may be read or written."""

    def __init__(self, path: Path, version: str | None, newest: str, ours: str) -> None:
        """Keep which ``version`` it is of, None where that is not known, and the ``newest`` that was done to its tables."""
        self.version = version
        # Between two releases there are states of the same version.
        is_named = version not in (None, ours)
        later = f"version {version}" if is_named else f"a later version ({newest})"
        self.whose = f"of {later}, and this is {ours}, which does not know its tables"
        self.install = f"install {version if is_named else 'that version'} again"
        super().__init__(f"{path} is {self.whose}: {self.install}, or restore a backup of before the upgrade")


class NothingKnown(UpdaterError):
    """What was asked for does not exist; the message says how to find what does."""


class NotAsked(UpdaterError):
    """What was asked for cannot be meant; ``part`` names what of it, such as ``image``."""

    def __init__(self, part: str, message: str) -> None:
        """Keep both."""
        self.part = part
        super().__init__(message)


class NotNow(UpdaterError):
    """What was asked for cannot be done as things stand, and nothing was changed."""


class _Unavailable(UpdaterError):
    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        """Keep how long we were told to wait, where we were."""
        self.retry_after = retry_after
        super().__init__(message)


class RegistryUnavailable(_Unavailable):
    """Nothing can be asked of a registry; ``retry_after`` is how long it told us to wait, where it did."""


class RepositoryUnavailable(_Unavailable):
    """A registry does not tell of one repository or tag, for ``retry_after`` at least; others may well be asked."""


class NotKnownYet(UpdaterError):
    """Whether a sender is who it says it is cannot be told so far; it is to send again."""


class WasStopped(UpdaterError):
    """What was begun is not done, because the operator ends; it is begun again when one works."""


def _count(number: int) -> str:
    return "1 problem" if number == 1 else f"{number} problems"


class Overtaken(UpdaterError):
    """Something was planned by what people said, and they said something else meanwhile."""
