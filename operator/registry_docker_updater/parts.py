"""What is made of the settings, for an operator and for what the commands need of one."""

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from registry_docker_updater.activities.questions import PolledRegistry
from registry_docker_updater.activities.upgrade import outdated, upgrade
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.backups import DATABASE, RUNS
from registry_docker_updater.core.schedules.registries import KnownRegistry
from registry_docker_updater.edges.heads.keepers import FileHeads, LogHeads, SyslogHeads, WebhookHeads
from registry_docker_updater.edges.heads.port import HeadKeeper
from registry_docker_updater.edges.link_key import LINK_KEY, link_key
from registry_docker_updater.edges.lock import LOCK, UPGRADING, Held, hold, is_held
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.harbor import Harbor
from registry_docker_updater.edges.registry.login import Login, login_of
from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.web import Web
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.registry import Registry
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.files import make_private
from registry_docker_updater.storage.storage import CurrentPolicies, Storage


@dataclass(frozen=True)
class Parts:
    """What is made of the settings, each part when it is first asked for."""

    settings: Settings
    path: Path
    environment: Mapping[str, str]
    clock: Clock
    held: Held | None = None
    metrics: Metrics | None = None

    @property
    def folder(self) -> Path:
        """The folder of the settings file."""
        return self.path.absolute().parent

    @cached_property
    def state(self) -> Path:
        """The state directory, made when there is none, and for its owner alone; raises :class:`UpdaterError`."""
        path = self.settings.state_directory
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UpdaterError(f"state_directory: cannot make {path}: {error.strerror}") from None
        # Such as systemd makes it, with rights for all to read.
        make_private(path.resolve(), 0o700)
        make_private(path / LOCK, 0o600)
        if not os.access(path, os.W_OK):
            raise UpdaterError(f"state_directory: {path} cannot be written; run this as the operator's user")
        return path

    @property
    def exposure(self) -> str | None:
        """Who else can get at the state directory, with the remedy, in a sentence; None where nobody can."""
        found = self.state.stat()
        rights = stat.S_IMODE(found.st_mode)
        if not rights & (stat.S_IRWXG | stat.S_IRWXO):
            return None
        return (
            f"state_directory: {self.state} is open to others (mode {rights:04o}), and belongs to another user"
            f" ({found.st_uid}), who is to close it: chmod 0700 {self.state}"
        )

    @cached_property
    def database(self) -> Database:
        """The database, brought up to date; the tables of a running operator are left to it."""
        self._leave_to_its_user()
        if outdated(self.state) and (self.held or not is_held(self.state)):
            self._bring_up_to_date()
        guard = self.held.lost if self.held else lambda: None
        return Database(
            self.state / DATABASE,
            may_upgrade=False,
            guard=guard,
            clock=self.clock,
            metrics=self.metrics,
        )

    def _leave_to_its_user(self) -> None:
        """Have root make nothing at first of which the operator could not go on."""
        owner = self.state.stat().st_uid
        if owner and not (os.geteuid() or self.held or (self.state / DATABASE).exists()):
            raise UpdaterError(
                f"state_directory: {self.state} belongs to another user ({owner}), and has no database yet: run this as the operator's"
                " user, who could not start with what root makes"
            )

    def _bring_up_to_date(self) -> None:
        held = self.held or hold(self.state, UPGRADING)
        try:
            # Somebody else may have done it before it was held.
            old = outdated(self.state)
            if old:
                upgrade(old, self.clock)
        finally:
            if not self.held:
                held.release()

    @cached_property
    def storage(self) -> Storage:
        """What is kept."""
        return Storage(self.database, self.policies)

    @cached_property
    def policies(self) -> CurrentPolicies:
        """What the settings say of when and whether targets are updated."""
        return CurrentPolicies(self.settings.policies_as_core)

    @cached_property
    def playbooks(self) -> AnsiblePlaybooks:
        """How playbooks run; an ``ansible.cfg`` beside the settings is obeyed."""
        self._leave_to_its_user()
        fleet = self.settings.fleet
        return AnsiblePlaybooks(
            fleet.inventory,
            self.folder,
            self.environment,
            fleet.environment,
            keep=self.settings.runs.keep,
        )

    @cached_property
    def link_key(self) -> bytes:
        """What links in messages are signed with, for the operator's user alone, whoever put it there; raises :class:`UpdaterError`."""
        make_private(self.state / LINK_KEY, 0o600)
        return link_key(self.state)

    @property
    def runs(self) -> Path:
        """The folder of the kept runs."""
        return self.state / RUNS

    @property
    def has_operator(self) -> bool:
        """Whether an operator works with the state directory."""
        return is_held(self.state)

    @property
    def registry_hosts(self) -> Mapping[str, Sequence[str]]:
        """Every registry's names."""
        return {name: registry.hosts for name, registry in self.settings.registries.items()}

    @property
    def known_registries(self) -> Mapping[str, KnownRegistry]:
        """The registries as they can be shown, by name."""
        return {
            name: KnownRegistry(registry.format, registry.hosts)
            for name, registry in self.settings.registries.items()
        }

    def harbor(self, name: str, user: str | None, password: str | None) -> Harbor:
        """Return the API of a Harbor of the settings, for the user given or that of its credentials.

        Raises :class:`UpdaterError`.
        """
        registry = self.settings.registries[name]
        given = registry.credentials
        if user and password:
            login = Login(user, password)
        elif given:
            login = Login(given.username, given.password.read())
        else:
            raise UpdaterError(
                f"registries.{name}.credentials are not set: give --user and --password-file of somebody who may change"
                " the webhooks of its projects"
            )
        return Harbor(registry.address, login, Web(registry.ca))

    def evidence(self) -> dict[str, Any]:
        """Return what the trail says of an operator that starts: what it works with."""
        return {**self.settings_evidence(), **self.playbooks.inputs()}

    def settings_evidence(self) -> dict[str, Any]:
        """Return which settings there are now, by their hash."""
        try:
            content: bytes | None = self.path.read_bytes()
        except OSError:
            content = None
        digest = hashlib.sha256(content).hexdigest() if content is not None else None
        return {"settings": {"path": str(self.path), "sha256": digest}}

    @property
    def head_keepers(self) -> Sequence[HeadKeeper]:
        """Where the head of the trail is kept."""
        heads = self.settings.audit.heads
        keepers: list[HeadKeeper | None] = [
            LogHeads() if heads.log else None,
            FileHeads(heads.file) if heads.file else None,
            SyslogHeads(heads.syslog) if heads.syslog else None,
            WebhookHeads(heads.webhook.read, Web()) if heads.webhook else None,
        ]
        return [keeper for keeper in keepers if keeper]

    @property
    def polled(self) -> Sequence[PolledRegistry]:
        """The registries that are asked; raises :class:`UpdaterError`."""
        return [
            PolledRegistry(
                name,
                registry.hosts,
                _client(name, registry),
                registry.sweep_interval,
                believes_events=registry.believes_events,
            )
            for name, registry in self.settings.registries.items()
            if registry.sweep_interval
        ]


def _client(name: str, registry: Registry) -> RegistryClient:
    def login() -> Login | None:
        # Read each time, so that a password that was changed needs no restart.
        given = registry.credentials
        try:
            account = {"username": given.username, "password": given.password.read()} if given else None
        except ValueError as error:
            raise UpdaterError(f"registries.{name}.credentials.password: {error}") from None
        return login_of(registry.hosts, account)

    return RegistryClient(name, registry.address, login, registry.ca)
