"""When, and whether, targets are updated to the images of some registries and repositories."""

from typing import Any, Self

from ansible_collections.registry.docker_updater.plugins.module_utils.policy import policy_of
from pydantic import Field, ValidationInfo, field_validator, model_validator

from registry_docker_updater.core.policy.policies import Policy
from registry_docker_updater.core.policy.reading import READERS, read_rules
from registry_docker_updater.settings.secret import Section

_NAMES = tuple(name.replace("-", "_") for name in READERS)


class PolicySettings(Section):
    """Rules for some images; what labels and the inventory say counts besides."""

    registries: tuple[str, ...] = Field((), description="Registries, by their names here; patterns match.")
    repositories: tuple[str, ...] = Field((), description="Repositories, such as prod/*.")
    enable: str | None = Field(None, description="false has them never updated.")
    monitor_only: str | None = Field(
        None, description="true has people told what would be updated, and nothing updated."
    )
    approval: str | None = Field(
        None, description="required, or how many people approve each push first; no or 0 is none."
    )
    approvers: str | None = Field(None, description="A list of those who may, or patterns of their names.")
    four_eyes: str | None = Field(None, description="true has whoever pushed count as no approver.")
    approval_deadline: str | None = Field(
        None, description="How long after the push it can be approved, such as 3d."
    )
    window: str | None = Field(
        None,
        description="When updates begin, such as mon-fri 22:00-04:00 Europe/Berlin; several are a list.",
    )
    minimum_age: str | None = Field(
        None, description="How old a push is before it is for them, such as 2h; a newer push begins anew."
    )
    longest_wait: str | None = Field(None, description="For how long newer pushes can delay it.")
    soak: str | None = Field(
        None, description="How long what comes before them in the order has run the digest well, such as 1d."
    )
    follow: str | None = Field(None, description="The tags that they move to, such as semver ^1.4.")

    @field_validator(*_NAMES, mode="before")
    @classmethod
    def _readable(cls, value: Any, info: ValidationInfo) -> str:
        # As the inventory says it, where it is read the same way.
        ((name, text),) = policy_of({info.field_name: value}).items()
        READERS[name](text)
        return text

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self._said:
            raise ValueError("says nothing of these images; give it a rule, such as window or approval")
        problems = read_rules(self._said, "").problems
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def as_core(self) -> Policy:
        """The same as the core takes it."""
        return Policy(read_rules(self._said, ""), self.registries, self.repositories)

    @property
    def _said(self) -> tuple[tuple[str, str], ...]:
        said = {name: getattr(self, name.replace("-", "_")) for name in READERS}
        return tuple((name, text) for name, text in said.items() if text is not None)
