"""When, and whether, targets are updated to the images of some registries and repositories."""

from collections.abc import Mapping
from typing import Annotated, Any

from ansible_collections.registry.docker_updater.plugins.module_utils.policy import policy_of
from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from registry_docker_updater.core.policy.policies import Policy
from registry_docker_updater.core.policy.reading import MOST_PEOPLE, READERS, read_rules
from registry_docker_updater.settings.secret import Section
from registry_docker_updater.settings.values import Nothing
from registry_docker_updater.settings.written import DURATION, DURATION_OR_NONE, SWITCHES, at_most

_NAMES = tuple(name.replace("-", "_") for name in READERS)
# What may be said by a switch or a number, and by a list; all else is text.
_SWITCHES = frozenset(("enable", "monitor-only", "four-eyes", "approval"))
_LISTS = frozenset(("approvers", "window"))


def _said(*ways: JsonValue) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": list(ways)})


def _pattern(*patterns: str) -> JsonValue:
    return {"type": "string", "pattern": f"^({'|'.join(patterns)})$"}


# As the inventory writes them: they are read as text (`policy_of`), and an editor is told what that may be.
_TEXT: JsonValue = {"type": "string", "minLength": 1}
_WORDS = _pattern(*SWITCHES, "1", "0")
_BOOLEAN: JsonValue = {"type": "boolean"}
SaidSwitch = Annotated[str | None, _said(_BOOLEAN, _WORDS, {"enum": [0, 1]}), Nothing()]
SaidPeople = Annotated[
    str | None,
    _said(
        _BOOLEAN,
        _WORDS,
        {"type": "integer", "minimum": 0, "maximum": MOST_PEOPLE},
        _pattern(rf"\s*([Rr][Ee][Qq][Uu][Ii][Rr][Ee][Dd]|(?!\d{{5}}){at_most(MOST_PEOPLE)})\s*"),
    ),
    Nothing(),
]
SaidList = Annotated[str | None, _said(_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}), Nothing()]
SaidDeadline = Annotated[str | None, _said(_pattern(DURATION)), Nothing()]
SaidDuration = Annotated[str | None, _said(_pattern(DURATION_OR_NONE)), Nothing()]
SaidFollow = Annotated[
    str | None, _said({"type": "string", "pattern": r"^\s*(semver|glob|date|regex)\s"}), Nothing()
]
_SAYS_SOMETHING: list[JsonValue] = [{"required": [name]} for name in _NAMES]


class PolicySettings(Section):
    """Rules for some images; what labels and the inventory say counts besides."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _SAYS_SOMETHING})

    registries: tuple[str, ...] = Field((), description="Registries, by their names here; patterns match.")
    repositories: tuple[str, ...] = Field((), description="Repositories, such as prod/*.")
    enable: SaidSwitch = Field(None, description="false has them never updated.")
    monitor_only: SaidSwitch = Field(
        None, description="true has people told what would be updated, and nothing updated."
    )
    approval: SaidPeople = Field(
        None, description="required, or how many people approve each push first; no or 0 is none."
    )
    approvers: SaidList = Field(None, description="A list of those who may, or patterns of their names.")
    four_eyes: SaidSwitch = Field(None, description="true has whoever pushed count as no approver.")
    approval_deadline: SaidDeadline = Field(
        None, description="How long after the push it can be approved, such as 3d."
    )
    window: SaidList = Field(
        None,
        description="When updates begin, such as mon-fri 22:00-04:00 Europe/Berlin; several are a list.",
    )
    minimum_age: SaidDuration = Field(
        None, description="How old a push is before it is for them, such as 2h; a newer push begins anew."
    )
    longest_wait: SaidDuration = Field(None, description="For how long newer pushes can delay it.")
    soak: SaidDuration = Field(
        None, description="How long what comes before them in the order has run the digest well, such as 1d."
    )
    follow: SaidFollow = Field(None, description="The tags that they move to, such as semver ^1.4.")

    @field_validator(*_NAMES, mode="before")
    @classmethod
    def _readable(cls, value: Any, info: ValidationInfo) -> str:
        # As the inventory says it, where it is read the same way.
        ((name, text),) = policy_of({info.field_name: value}).items()
        READERS[name](text)
        _check_kind(name, value)
        # What is readable by itself may contradict what was read before.
        problems = read_rules((*_rules(info.data), (name, text)), "").problems
        if problems:
            raise ValueError("; ".join(problems))
        return text

    @classmethod
    def lacks(cls, given: Mapping[str, Any]) -> str | None:
        """Return what is wrong where no rule is given."""
        is_some = any(name in given for name in _NAMES)
        return None if is_some else "says nothing of these images; give it a rule, such as window or approval"

    @property
    def as_core(self) -> Policy:
        """The same as the core takes it."""
        return Policy(read_rules(self._said, ""), self.registries, self.repositories)

    @property
    def _said(self) -> tuple[tuple[str, str], ...]:
        return _rules(dict(self))


def _check_kind(name: str, value: Any) -> None:
    """Refuse what is readable only because the inventory writes all as text, such as 5 for the name of a person."""
    kinds = (str, bool, int) if name in _SWITCHES else (str,)
    some = value if name in _LISTS and isinstance(value, list) else (value,)
    if not all(isinstance(one, kinds) for one in some):
        raise ValueError(
            "is to be text, and not a list"
            if isinstance(value, list) and name not in _LISTS
            else "is to be text: put it in quotes"
        )


def _rules(said: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the rules that ``said`` has, by their names, as text."""
    texts = ((name, said.get(name.replace("-", "_"))) for name in READERS)
    return tuple((name, text) for name, text in texts if text is not None)
