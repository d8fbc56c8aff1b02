"""A process that writes without a pause, to be killed: each line that it reads has it fork one that does.

What is kept and what the trail says of it are to be the same at whatever instant one is killed.
"""

import os
import random
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from integration.keeping import ANN, HOSTS, ONCE, RETRY, due_messages, ended
from registry_docker_updater.core.events.newest import Answer
from registry_docker_updater.core.events.pushes import Push, UnresolvedPush
from registry_docker_updater.core.fleet.targets import container_key
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.arrivals import Arrived
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.messages import keep_sent
from registry_docker_updater.storage.storage import Storage
from unit.builders import container

TARGETS = [container(f"web{number}") for number in range(3)]


def digest(chance: random.Random) -> str:
    return f"sha256:{chance.getrandbits(256):064x}"


def receive(storage: Storage, chance: random.Random) -> None:
    """Deliveries, several together: pushes, claims, and some that came before."""
    now = datetime.now(UTC)
    arrived = []
    for _ in range(chance.randint(1, 5)):
        key, tag = f"event {chance.randint(1, 10**6)}", str(chance.randint(1, 3))
        pushed: Push | UnresolvedPush = Push("production", "test/app", tag, digest(chance), now, key, "alice")
        if chance.random() < 0.5:
            pushed = UnresolvedPush("production", "test/other", tag, now, key, "bob", digest(chance))
        arrived.append(Arrived("production", [pushed], now, ["a pull"], "192.0.2.1"))
    storage.events.record_all(arrived)


def ask(storage: Storage, chance: random.Random) -> None:
    """Answers of a registry to what waits for it."""
    name = PushedName("production", "test/other", str(chance.randint(1, 3)))
    now = datetime.now(UTC)
    for claim in storage.claims.of([name]):
        if chance.random() < 0.3:
            storage.claims.reject(claim, "the registry says otherwise", now)
        else:
            known = storage.events.newest_push(*name)
            said = claim.digest or digest(chance)
            storage.claims.record(Answer(*name, said, now, now, known, claim), now)


def roll_out(storage: Storage, chance: random.Random) -> None:
    """A run from its beginning to its message, and what people ask for."""
    now = datetime.now(UTC)
    actions.interrupt_runs(storage, now)
    for desired in storage.events.desired(HOSTS):
        if desired.repository != "test/app":
            continue
        actions.keep_matches(storage, {desired.push: {TARGETS[0].key: "due"}}, [], desired.change, now)
        rollout = actions.begin_run(storage, Start(desired, tuple(TARGETS), ()), now)
        found = [chance.choice((Outcome.UPDATED, Outcome.ROLLED_BACK, Outcome.FAILED)) for _ in TARGETS]
        outcomes = [
            ended(outcome, container_key("solo", target.name), desired.digest)
            for outcome, target in zip(found, TARGETS, strict=True)
        ]
        for one in outcomes:
            actions.keep_outcome(storage, rollout.id, desired.digest, one, now)
        retry = chance.choice((ONCE, RETRY))
        actions.end_run(storage, rollout.id, RunEnd(desired.digest, tuple(outcomes)), retry, now)
        for due in due_messages(storage, now):
            keep_sent(storage, due, {}, now)
        actions.retry_rollout(storage, rollout.id, {TARGETS[0].key: ()}, ANN, now)


def work(path: Path, seed: int) -> None:
    """Write until killed, in three threads."""
    storage = Storage(Database(path))
    chances = [random.Random(f"{seed} {number}") for number in range(3)]

    rest = threading.Event()

    def go_on(step: int) -> None:
        doing = (receive, ask, roll_out)[step]
        while True:
            doing(storage, chances[step])
            # SQLite has no queue: who writes without a rest keeps the others out.
            rest.wait(chances[step].random() / 500)

    for step in range(3):
        threading.Thread(target=go_on, args=(step,), daemon=True).start()
    say("at work")
    rest.wait()


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        path, seed = line.split()
        process = os.fork()
        if not process:
            work(Path(path), int(seed))
        say(process)
        os.waitpid(process, 0)
        say("ended")


if __name__ == "__main__":
    main()
