# SPDX-License-Identifier: Apache-2.0
"""A swarm of a lab: formed from hosts whose engines run, and asked about its leader."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lab.errors import LabError
from lab.host import Host
from lab.waiting import until

_PORT = 2377
_JOIN_TRIES = 3
_VOTE_TIMEOUT = 4


class Swarm:
    """A swarm: its managers and workers, in the order of their numbers."""

    def __init__(self, name: str, managers: tuple[Host, ...], workers: tuple[Host, ...]) -> None:
        self.name = name
        self.managers = managers
        self.workers = workers

    def __repr__(self) -> str:
        return f"Swarm({self.name!r}, managers={len(self.managers)}, workers={len(self.workers)})"

    @property
    def nodes(self) -> tuple[Host, ...]:
        return self.managers + self.workers

    def form(self, progress: Callable[[str], None]) -> None:
        """Make a swarm of the hosts and return when every manager sees every node ready."""
        first, *others = self.managers
        first.docker("swarm", "init", "--advertise-addr", first.address)
        # One after another: each manager that joins changes who must agree to the next.
        for manager in others:
            self._join(manager, "manager")
        if self.workers:
            with ThreadPoolExecutor(len(self.workers)) as pool:
                list(pool.map(lambda worker: self._join(worker, "worker"), self.workers))
        for manager in self.managers:
            self.wait_until_ready(seen_by=manager)
        progress(f"swarm {self.name}: {len(self.managers)}+{len(self.workers)} nodes ready")

    def wait_until_ready(self, seen_by: Host | None = None, deadline: float = 60) -> None:
        """Return when a manager (the first, if none is given) sees every node ready.

        Raises `WaitedTooLong` after `deadline` seconds.
        """
        manager = seen_by or self.managers[0]
        until(
            lambda: self._is_ready(manager),
            who=manager.name,
            what=f"sees {len(self.nodes)} nodes ready",
            deadline=deadline,
            log=manager.machine.logs / "dockerd.log",
            pause=0.2,
        )

    def leader(self) -> Host:
        """The manager that most managers take for the leader. Raises `LabError` when there is none.

        A leader that was just cut off takes itself for one for some seconds more; it has one vote. The
        others do not answer until they have elected another; that is not waited for.
        """
        with ThreadPoolExecutor(len(self.managers)) as pool:
            votes = Counter(name for name in pool.map(self._leader_seen_by, self.managers) if name)
        for name, count in votes.most_common(1):
            if count * 2 > len(self.managers):
                return next(manager for manager in self.managers if manager.name == name)
        raise LabError(f"swarm {self.name}: no leader at present, votes: {dict(votes)}")

    def _join(self, node: Host, role: str) -> None:
        first = self.managers[0]
        token = first.docker("swarm", "join-token", "--quiet", role).strip()
        for attempt in range(1, _JOIN_TRIES + 1):
            done = node.run(
                "docker", "swarm", "join", "--token", token, f"{first.address}:{_PORT}", check=False
            )
            if done.returncode == 0:
                return
            # The engine goes on trying in the background; it must give that up before it is asked again.
            node.run("docker", "swarm", "leave", "--force", check=False)
            if attempt == _JOIN_TRIES:
                raise LabError(f"{node.name}: cannot join swarm {self.name}: {done.stderr.strip()}")

    def _is_ready(self, manager: Host) -> bool:
        listed = manager.run(
            "docker", "node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}", check=False
        )
        lines = listed.stdout.split("\n")
        ready = sum(line.startswith("Ready") for line in lines)
        able = sum(line.endswith((" Leader", " Reachable")) for line in lines)
        return ready == len(self.nodes) and able == len(self.managers)

    def _leader_seen_by(self, manager: Host) -> str | None:
        try:
            listed = manager.docker(
                "node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}", timeout=_VOTE_TIMEOUT
            )
        except LabError:
            return None
        return next((line.split()[0] for line in listed.splitlines() if line.endswith(" Leader")), None)
