# SPDX-License-Identifier: Apache-2.0
"""Bring one container to a digest, or finish what earlier runs left: what the module does, without Ansible."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import (
    Containers,
    Inspect,
    digest_of,
    digests_of,
    is_whole,
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import relations
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    PAUSED,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.execute import (
    GAVE_WAY,
    UPDATED,
    CarryOut,
    Options,
    Stuck,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.plan import (
    Host,
    Planned,
    Refused,
    check_needs,
    check_target,
    plan_swap,
    platform_of,
    tag_target,
    wanted_state,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
    BadCredentials,
    find_credentials,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.registry import (
    NotReadable,
    read_image,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

Result = Dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """What is wanted: container ``name`` on ``digest`` of ``image``, whose registry also answers to ``aliases``.

    ``found_digests`` and ``found_image`` (an id) are what it ran when the run looked at it, empty where that is not to
    matter.
    ``credentials`` are those of the inventory by host; ``keep_paused`` updates a paused container and pauses the
    new one; ``cleanup`` removes the old image; ``try_again`` tries a digest that was found bad.
    """

    name: str
    image: Reference
    digest: str
    aliases: Tuple[str, ...] = ()
    found_digests: Tuple[str, ...] = ()
    found_image: str = ""
    credentials: Mapping[str, Any] = field(default_factory=dict)
    keep_paused: bool = False
    cleanup: bool = False
    try_again: bool = False


class Update:
    """One run of a wish on one engine; the caller holds the journal's lock."""

    def __init__(self, containers: Containers, journal: Journal, wish: Wish, options: Options) -> None:
        self._containers, self._journal, self._wish, self._options = containers, journal, wish, options
        self._begun = time.monotonic()

    def run(self) -> Result:
        """Return the result, whatever happens: outcome, before, after, message and the rest of the contract."""
        try:
            return self._run()
        except Refused as refused:
            return self._result(refused.outcome, str(refused))
        except (EngineError, EngineUnreachable, NoAnswer, BadCredentials) as error:
            return self._result("failed", f"{self._wish.name} was not touched: {error}")

    def _run(self) -> Result:
        wish = self._wish
        if self._journal.holds(wish.name):
            raise Refused(
                "failed",
                f"an update of {wish.name} was begun before and cannot be brought to its end: see what the scan of this host,"
                " or repair.yml, says of it",
            )
        target, old_image, reference = self._target()
        if wish.digest in digests_of(old_image, reference):
            return self._result("unchanged", f"{wish.name} already runs {wish.digest}", target, old_image)
        self._check_wanted(target, digests_of(old_image, reference))
        host = Host.read(self._containers)
        check_target(target, host, self._containers.engine.address)
        check_needs(self._containers, target, host)
        tag_before = tag_target(self._containers, target["Config"]["Image"])
        old_image = self._whole(old_image, reference, digest_of(old_image, reference), host)
        new_image = self._whole(self._pull(reference, old_image, host), reference, wish.digest, host)
        if new_image["Id"] == old_image["Id"]:
            return self._result(
                "unchanged", f"{wish.name} already runs the image that {wish.digest} names", target, old_image
            )
        planned = self._plan(host, target, old_image, new_image, tag_before)
        result = finish(self._containers, self._journal, planned.swap, self._options, cleanup=wish.cleanup)
        return {**result, "seconds": round(time.monotonic() - self._begun, 3)}

    def _target(self) -> Tuple[Inspect, Inspect, Reference]:
        """Find the container, its image and its reference; refuse what is not what the wish is about."""
        wish = self._wish
        target = self._containers.look(wish.name)
        if target is None:
            raise Refused("failed", f"there is no container {wish.name} on this engine")
        if not is_whole(target):
            raise Refused(
                "failed", f"the engine shows {wish.name} without its Config or HostConfig: look at its log"
            )
        shown = target["Config"]["Image"]
        reference = reference_of(shown)
        why = relations.why_untouchable(target)
        if why:
            raise Refused("skipped", f"{wish.name} is not touched: {why}")
        if reference is None or not reference.names_same_tag_as(wish.image, wish.aliases):
            raise Refused("skipped", f"{wish.name} runs {shown}, which is not {wish.image}")
        image = self._containers.image(target["Image"])
        if image is None:
            raise Refused(
                "failed",
                f"the image {target['Image']} of {wish.name} is gone, so nobody can tell what came from it:"
                f" create {wish.name} anew by hand",
            )
        if reference.digest and reference.digest != wish.digest:
            raise Refused("skipped", f"{wish.name} is pinned to {reference.digest} by whoever created it")
        return target, image, reference

    def _check_wanted(self, target: Inspect, digests: Iterable[str]) -> None:
        wish = self._wish
        # Not by the container's id: one that was only recreated, by a person or with another one, is still for the push.
        is_found = target["Image"] == wish.found_image or set(wish.found_digests).intersection(digests)
        if wish.found_digests and not is_found:
            raise Refused(
                "superseded",
                f"somebody gave {wish.name} another image after this run had looked at it; it was left alone",
            )
        if wanted_state(target) == PAUSED and not wish.keep_paused:
            raise Refused(
                "skipped",
                f"{wish.name} is paused: unpause it, or let paused containers be updated (paused: keep)",
            )
        refusal = self._journal.refusal(relations.name_of(target), wish.digest)
        if refusal and not wish.try_again:
            raise Refused(
                "rolled_back",
                f"{wish.digest} was found bad for {wish.name} on {refusal['at']} ({refusal['reason']}) and is not tried"
                " again: push another image, or ask for it with try_again",
            )

    def _pull(self, reference: Reference, old_image: Inspect, host: Host) -> Inspect:
        """Return the image of the wanted digest, pulled from the registry by the name that the container uses."""
        wish = self._wish
        name = f"{reference.familiar_repository}@{wish.digest}"
        image = self._containers.image(name)
        # It may be there for another platform: somebody pulled that, or a run before the registry's index changed.
        if image is None or not _is_for(image, old_image.get("Architecture")):
            account, platform = self._account(reference), platform_of(old_image, host)
            self._containers.engine.pull(reference.familiar_repository, wish.digest, account, platform)
            image = self._containers.image(name)
        if image is None:
            raise Refused("failed", f"the engine pulled {name} and does not know it: look at its log")
        # One for the host itself is welcome where the one before was not.
        if not _is_for(image, old_image.get("Architecture"), host.architecture):
            raise Refused(
                "failed",
                f"{wish.digest} is made for {_platform(image)}, and {wish.name} runs {_platform(old_image)}: push an image"
                " for that, or an index with both",
            )
        return image

    def _whole(self, image: Inspect, reference: Reference, digest: Optional[str], host: Host) -> Inspect:
        """Return ``image`` with its configuration, which the engine may not show; what is not known is not nothing.

        Seen with Engine 28 and the containerd image store, where a layer was there already, compressed in another way.
        """
        if image.get("Config") is not None:
            return image
        architecture = image.get("Architecture") or host.architecture
        try:
            # With that store the id of an image is a digest that registries know.
            account = self._account(reference)
            told = read_image(reference, digest or image["Id"], account, host.info, architecture)
        except NotReadable as error:
            raise Refused(
                "failed",
                f"the engine shows image {image['Id']} of {self._wish.name} without its configuration, so nobody can tell what"
                f" comes from it ({error}): pull it again, or create {self._wish.name} anew by hand",
            ) from None
        return {**image, "Config": told["Config"]}

    def _account(self, reference: Reference) -> Optional[Dict[str, str]]:
        """Return what to show the registry by whose name the container pulls."""
        wish = self._wish
        given = wish.credentials.get(reference.host) or next(
            (wish.credentials[host] for host in wish.aliases if host in wish.credentials), None
        )
        return find_credentials(reference.host, given)

    def _plan(
        self, host: Host, target: Inspect, old_image: Inspect, new_image: Inspect, tag_before: Optional[str]
    ) -> Planned:
        wish = self._wish
        reference = reference_of(target["Config"]["Image"])
        wanted = {
            "name": relations.name_of(target),
            "image": target["Config"]["Image"],
            "digest": wish.digest,
            "begun_at": time.time(),
            "tag_before": tag_before,
            "old_image": old_image["Id"],
            "old_digest": digest_of(old_image, reference) if reference else None,
            "new_image": new_image["Id"],
            "ports": (target.get("NetworkSettings") or {}).get("Ports") or {},
        }
        return plan_swap(self._containers, host, target, old_image, new_image, wanted)

    def foresee(self) -> Result:
        """Return what a run would change, and change nothing: check mode."""
        try:
            return self._foresee()
        except Refused as refused:
            return {
                "changed": False,
                "message": str(refused),
                "failed": refused.outcome in ("failed", "rolled_back"),
            }
        except (EngineError, EngineUnreachable, NoAnswer, BadCredentials) as error:
            return {"changed": False, "message": str(error), "failed": True}

    def _foresee(self) -> Result:
        wish = self._wish
        target, old_image, reference = self._target()
        before: Dict[str, Any] = {"image": str(reference), "digest": digest_of(old_image, reference)}
        if wish.digest in digests_of(old_image, reference):
            return {"changed": False, "message": "", "diff": {"before": before, "after": before}}
        self._check_wanted(target, digests_of(old_image, reference))
        host = Host.read(self._containers)
        check_target(target, host, self._containers.engine.address)
        check_needs(self._containers, target, host)
        old_image = self._whole(old_image, reference, digest_of(old_image, reference), host)
        after: Dict[str, Any] = {"image": str(reference), "digest": wish.digest}
        warnings: List[str] = []
        new_image = self._containers.image(f"{reference.familiar_repository}@{wish.digest}")
        architecture = old_image.get("Architecture") or host.architecture
        if new_image is None or new_image.get("Config") is None or not _is_for(new_image, architecture):
            try:
                account = self._account(reference)
                new_image = read_image(reference, wish.digest, account, host.info, architecture)
            except NotReadable as error:
                warnings.append(f"{error}; so nobody knows yet which defaults of the new image are adopted")
        if new_image and new_image["Id"] == old_image["Id"]:
            return {"changed": False, "message": "", "diff": {"before": before, "after": before}}
        unknown = {"Id": wish.digest, "Config": {"Volumes": (old_image.get("Config") or {}).get("Volumes")}}
        planned = self._plan(host, target, old_image, new_image or unknown, None)
        before.update(planned.before)
        after.update(planned.after)
        if planned.recreated:
            before["recreated with it"], after["recreated with it"] = [], list(planned.recreated)
        if planned.restarted:
            before["restarted with it"], after["restarted with it"] = [], list(planned.restarted)
        return {
            "changed": True,
            "message": f"{wish.name} would be recreated from {wish.digest}",
            "diff": {"before": before, "after": after},
            "warnings": [*warnings, *planned.swap.warnings],
        }

    def _result(
        self, outcome: str, message: str, target: Optional[Inspect] = None, image: Optional[Inspect] = None
    ) -> Result:
        wish = self._wish
        if target is None:
            try:
                target = self._containers.look(wish.name)
                image = self._containers.image(target["Image"]) if target else None
            except (EngineError, EngineUnreachable, NoAnswer):
                target = None
        state: Dict[str, Any] = {"image": None, "digest": None}
        if target and is_whole(target):
            shown = target["Config"]["Image"]
            reference = reference_of(shown)
            state = {
                "id": target["Id"],
                "image": shown,
                "digest": digest_of(image, reference) if image and reference else None,
            }
        return {
            "outcome": outcome,
            "kind": "container",
            "id": target["Id"] if target else "",
            "name": relations.name_of(target) if target else wish.name,
            "image": str(wish.image),
            "digest": wish.digest,
            "before": state,
            "after": dict(state),
            "message": message,
            "warnings": [],
            "seconds": round(time.monotonic() - self._begun, 3),
            "downtime": None,
            "changed": False,
        }


def _is_for(image: Inspect, *architectures: Optional[str]) -> bool:
    """Whether ``image`` is for one of ``architectures``; what is not told is taken to fit."""
    return not image.get("Architecture") or not any(architectures) or image["Architecture"] in architectures


def _platform(image: Inspect) -> str:
    return "{}/{}".format(image.get("Os") or "linux", image.get("Architecture") or "an unknown architecture")


def look_at_copied_files(containers: Containers, name: str) -> None:
    """Find out which files Compose copied into the container called ``name``, and keep it for its update."""
    # Whatever is wrong is told when it is asked again.
    with suppress(EngineError, EngineUnreachable, NoAnswer):
        container = containers.look(name)
        if container and "com.docker.compose.project" in relations.labels_of(container):
            containers.copied_files(container)


def finish(  # noqa: PLR0913 - what a swap needs
    containers: Containers,
    journal: Journal,
    swap: Swap,
    options: Options,
    *,
    cleanup: bool = False,
    found: bool = False,
) -> Result:
    """Carry ``swap`` out, or on where it was ``found`` in the journal, and return the result of its target."""
    begun = time.monotonic()
    if not found:
        journal.keep(swap.wanted["name"], swap.as_json())
    work = CarryOut(containers, journal, swap, options, suspect=found)
    try:
        if found:
            work.resume()
        end = work.run()
    except Stuck as stuck:
        outcome = "rollback_failed" if work.swap.direction == "back" and work.swap.touched else "failed"
        return _swap_result(work, outcome, _stuck_message(work.swap, stuck), begun)
    except (EngineUnreachable, NoAnswer, EngineError) as error:
        return _swap_result(work, "failed", _stuck_message(work.swap, Stuck(str(error))), begun)
    done = work.swap
    name = done.wanted["name"]
    if end == GAVE_WAY:
        asides = [done.aside(member, "old") for member in done.members]
        kept = ", ".join(name for name in asides if containers.look(name))
        message = f"somebody else created a container called {name} meanwhile, which was left alone"
        message += f"; the former one is kept, stopped, as {kept}" if kept else ""
        return _swap_result(work, "superseded", message, begun)
    if end == UPDATED:
        warnings = _remove_old_image(containers, done) if cleanup else ()
        work.swap = replace(done, warnings=(*done.warnings, *warnings))
        return _swap_result(work, "updated", f"{name} now runs {done.wanted['digest']}", begun)
    if not done.touched:
        outcome = "unchanged" if found else "failed"
        return _swap_result(work, outcome, f"{name} was not touched: {done.reason}", begun)
    words = "the old container is back" if done.members[0].wanted_up else "the old container was kept"
    again = "; this digest is not tried there again" if done.blamed else ""
    return _swap_result(work, "rolled_back", f"{done.reason}; {words}{again}", begun)


def repair(containers: Containers, journal: Journal, options: Options) -> List[Result]:
    """Finish every swap that the journal holds and return their results; one that nobody can read hinders no other."""
    results = []
    for kept in list(journal.swaps()):
        try:
            swap = Swap.from_json(kept)
        except (KeyError, TypeError):
            continue  # of another version: every scan tells of it
        results.append(finish(containers, journal, swap, options, found=True))
    return results


def _swap_result(work: CarryOut, outcome: str, message: str, begun: float) -> Result:
    swap = work.swap
    wanted, main = swap.wanted, swap.members[0]
    before = {"id": main.old_id, "image": wanted["image"], "digest": wanted.get("old_digest")}
    after = {"id": main.new_id, "image": wanted["image"], "digest": wanted["digest"]}
    stays = after if outcome == "updated" else before
    return {
        "outcome": outcome,
        "kind": "container",
        "id": stays["id"],
        "name": wanted["name"],
        "image": wanted["image"],
        "digest": wanted["digest"],
        "before": before,
        "after": stays,
        "message": message,
        "warnings": list(swap.warnings),
        "seconds": round(time.monotonic() - begun, 3),
        "downtime": work.downtime if outcome == "updated" else None,
        "changed": outcome == "updated" or swap.touched,
    }


def _stuck_message(swap: Swap, stuck: Stuck) -> str:
    reason = f"{swap.reason}; then " if swap.reason else ""
    return (
        f"{reason}{stuck}. The update of {swap.wanted['name']} stopped half-way: nothing was removed, and the operator,"
        " or repair.yml, has it gone on with"
    )


def _remove_old_image(containers: Containers, swap: Swap) -> Tuple[str, ...]:
    """Remove the image that is no longer needed; one that a container uses, or that has another name, stays."""
    image = containers.image(swap.wanted["old_image"])
    # Without a list of its names it may have some.
    if image is None or image.get("RepoTags") != [] or containers.image_users(image["Id"]):
        return ()
    try:
        for name in image.get("RepoDigests") or [image["Id"]]:
            containers.engine.delete(f"/images/{name}")
    except EngineError as error:
        return (f"the old image {image['Id']} was not removed: {error.message}",)
    return ()
