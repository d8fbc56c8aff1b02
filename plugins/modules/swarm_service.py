#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: bring one swarm service to a digest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_service
short_description: Update a swarm service to exactly one digest, and roll it back when it does not come up
description:
  - Pins the image of a service to C(repo:tag@digest) under the registry host it already uses, and takes the
    platforms for placement from the registry's answer. Every other field of the spec stays exactly as it is.
  - Asks the registry for the digest first, with the credentials at hand. A registry that does not give it leaves the
    service alone.
  - Follows the update until every task that counts has run, healthy, for the monitor period, and goes back to the image
    before where the service's own policy does not. What somebody else changes meanwhile is respected.
  - Run it on a manager.
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
extends_documentation_fragment:
  - registry.docker_updater.engine
  - registry.docker_updater.credentials
  - registry.docker_updater.at_once
attributes:
  check_mode:
    description: Asks the engine and the registry, and changes nothing.
    support: full
  diff_mode:
    description: Shows the image and the platforms before and after.
    support: full
options:
  service:
    description: Id or name of the service.
    type: str
  services:
    description:
      - Several services at once, instead of O(service), as M(registry.docker_updater.targets_info) lists them. Of each count
        C(id), C(name), what the run found it to be before, C(image) and C(changed_at), C(moves_from), and C(unheard), which says
        that nobody heard how the same update ended that a run before began. Where swarm rolled that back, it is not begun again.
      - They are updated by a process of its own on the manager, which goes on when the connection breaks. How they are going
        is shown meanwhile.
    type: list
    elements: dict
  parallel:
    description: How many of O(services) are under way at the same time.
    type: int
    default: 2
  image:
    description: The name that was pushed, registry host, repository and tag.
    type: str
    required: true
  digest:
    description: The digest to update to.
    type: str
    required: true
  aliases:
    description: Further registry hosts under which the registry of O(image) is known.
    type: list
    elements: str
    default: []
  found_image:
    description:
      - The image that a scan at the begin of the run found in the spec. A service that has another one now was changed by
        somebody else; one that has O(digest) now was updated in this run, by a manager that was cut off.
    type: str
  found_at:
    description: When, by that scan, the service was changed last (C(UpdatedAt)).
    type: str
  moves_from:
    description:
      - The image name that the service runs, another tag of the repository of O(image), where it is to move from that to O(image).
      - From the name of another repository nothing moves.
    type: str
  time_limit:
    description: Seconds that the update may take. Reckoned from the spec when not given, as that of a rollback always is.
    type: int
  placement_limit:
    description:
      - Seconds for which a task may wait that swarm says no node can take, with every active node ready
        and no other task of the service stopping. Then the update has failed.
    type: int
    default: 30
  config_directory:
    description: Where the host's Docker configuration lies. The default is C($DOCKER_CONFIG), then C(~/.docker).
    type: path
  progress_file:
    description: A file to which a line is added whenever there is something to tell; locked as long as the module runs.
    type: path
"""

EXAMPLES = r"""
- name: Update one service
  registry.docker_updater.swarm_service:
    service: shop_web
    image: registry.example.com/test/app:1.2
    digest: sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc
"""

RETURN = r"""
services:
  description: What became of each, as is told here of one.
  returned: with O(services) and O(at_once)
  type: list
  elements: dict
scan:
  description: What the host runs of the image, like RV(registry.docker_updater.targets_info#module:scan).
  returned: with O(at_once)
  type: dict
outcome:
  description: What became of the service; not in check mode.
  returned: outside check mode
  type: str
  sample: updated
kind:
  description: Always C(service).
  returned: always
  type: str
id:
  description: Id of the service.
  returned: always
  type: str
name:
  description: Name of the service.
  returned: always
  type: str
image:
  description: Its image before.
  returned: always
  type: str
digest:
  description: The digest wanted.
  returned: always
  type: str
before:
  description: Image and digest of the spec before.
  returned: always
  type: dict
after:
  description: Image and digest of the spec after.
  returned: always
  type: dict
message:
  description: The cause of the outcome and what to do about it, in a sentence.
  returned: always
  type: str
log:
  description: >-
    The last lines, ten at most, of the log of the newest task that did not come up, with the outcomes failed, rolled_back and
    rollback_failed. Empty where it has none, or it cannot be read.
  returned: always
  type: list
  elements: str
lost:
  description: Whether this manager lost sight of its swarm, so that another one should look.
  returned: always
  type: bool
warnings:
  description: What else is worth knowing.
  returned: when there is something
  type: list
  elements: str
stages:
  description: >-
    For how many seconds each stage lay back when this was told: reached (the work on the host began), looked, sent (the update was
    given to the swarm), proven.
  returned: always
  type: dict
seconds:
  description: How long it took.
  returned: always
  type: float
"""

import time
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.connection import ENGINE_OPTION
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
    CREDENTIALS_OPTION,
    BadCredentials,
    accounts_by_registry,
    find_credentials,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.moves import read_move
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import succeeds
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
    check_digest,
    check_host,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.at_once import (
    AT_ONCE_OPTION,
    look_again,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.stages import REACHED, ages
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.background import (
    update_in_background,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.engine import Refused, SwarmEngine
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import Progress
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.request import (
    PLACEMENT_LIMIT,
    Request,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.update import ServiceUpdate
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import SERVICE

_WHICH = ("service", "services", "at_once")
Say = Callable[[str], None]
Result = Dict[str, Any]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str"},
            "services": {"type": "list", "elements": "dict"},
            "parallel": {"type": "int", "default": 2},
            "image": {"type": "str", "required": True},
            "digest": {"type": "str", "required": True},
            "aliases": {"type": "list", "elements": "str", "default": []},
            "found_image": {"type": "str"},
            "found_at": {"type": "str"},
            "moves_from": {"type": "str"},
            "time_limit": {"type": "int"},
            "placement_limit": {"type": "int", "default": PLACEMENT_LIMIT},
            "credentials": CREDENTIALS_OPTION,
            "config_directory": {"type": "path"},
            "progress_file": {"type": "path"},
            "at_once": AT_ONCE_OPTION,
            "engine": ENGINE_OPTION,
        },
        required_one_of=[_WHICH],
        mutually_exclusive=[_WHICH],
        supports_check_mode=True,
    )
    params = module.params
    reached = time.monotonic()
    if any(not (one.get("id") and one.get("name")) for one in params["services"] or ()):
        module.fail_json(msg="each of services has an id and a name")
    scan: Dict[str, Any] = {}
    try:
        services: Sequence[Mapping[str, Any]] = params["services"] or ()
        if params["at_once"]:
            scan["scan"], services = look_again(params, SERVICE)
        asked = {"image": "found_image", "changed_at": "found_at", "moves_from": "moves_from"}
        request = _request(params, {name: params[option] for name, option in asked.items()}, module)
        requests = {one["name"]: (str(one["id"]), _request(params, one, module)) for one in services}
    except (InvalidReference, EngineError, EngineUnreachable, NoAnswer) as error:
        module.fail_json(msg=str(error), **scan)
    if params["service"]:
        with Progress(params["progress_file"]) as progress:
            result = _update(params, params["service"], request, progress.say, reached)
        for warning in result.pop("warnings"):
            module.warn(f"{result['name']}: {warning}")
        (module.fail_json if result["failed"] else module.exit_json)(**result)

    def update_of(service: str, wanted: Request) -> Callable[[Say], Result]:
        return lambda say: _update(params, service, wanted, say, reached)

    updates = {name: update_of(*asked) for name, asked in requests.items()}
    if module.check_mode:
        results = [update(lambda _: None) for update in updates.values()]
        module.exit_json(
            services=results,
            changed=any(one["changed"] for one in results),
            failed=any(one["failed"] for one in results),
            diff=[one["diff"] for one in results if "diff" in one],
            **scan,
        )
    files = (
        update_in_background(
            updates, params["parallel"], lambda one: remove_values(one, module.no_log_values)
        )
        if updates
        else {}
    )
    # What follows is the controller's part: it is there as long as the updates take.
    module.exit_json(
        changed=False, progress_files=files, ids={name: asked[0] for name, asked in requests.items()}, **scan
    )


def _update(params: Mapping[str, Any], service: str, request: Request, say: Say, reached: float) -> Result:
    """Have one service updated, and return what became of it; ``reached`` is when the host was."""
    began = time.monotonic()
    swarm = SwarmEngine(Engine(params["engine"]), service, say)
    report = ServiceUpdate(swarm, request, lambda host: _credentials(params, host), say).run()
    say(f"{report.outcome}: {report.message}" if report.outcome else report.message)
    result: Result = {
        "kind": SERVICE,
        "id": report.id or service,
        "name": report.name or service,
        "image": report.image,
        "digest": request.digest,
        "before": _side(report.before),
        "after": _side(report.after),
        "message": report.message,
        "msg": report.message,
        "log": report.log,
        "lost": report.lost,
        "seconds": round(time.monotonic() - began, 1),
        "changed": report.changed,
        "failed": bool(report.outcome) and not succeeds(report.outcome),
        "warnings": list(dict.fromkeys(report.warnings)),
        "stages": ages({REACHED: reached, **report.stages}, time.monotonic()),
    }
    if report.diff:
        result["diff"] = report.diff
    if not request.check_only:
        result["outcome"] = report.outcome
    return result


def _request(params: Mapping[str, Any], found: Mapping[str, Any], module: AnsibleModule) -> Request:
    pushed = Reference.parse(params["image"])
    aliases = tuple(check_host(alias) for alias in params["aliases"])
    return Request(
        pushed=pushed,
        digest=check_digest(params["digest"]),
        aliases=aliases,
        moves_from=read_move(found.get("moves_from"), pushed, aliases),
        found_image=found.get("image") or "",
        found_at=found.get("changed_at") or "",
        unheard=bool(found.get("unheard")),
        time_limit=params["time_limit"],
        placement_limit=params["placement_limit"],
        check_only=module.check_mode,
    )


def _side(image: str) -> Dict[str, Any]:
    try:
        return {"image": image, "digest": Reference.parse(image).digest}
    except InvalidReference:
        return {"image": image, "digest": None}


def _credentials(params: Mapping[str, Any], host: str) -> Optional[Dict[str, str]]:
    given = accounts_by_registry(params["credentials"])
    try:
        return find_credentials(host, given.get(host), params["config_directory"])
    except BadCredentials as error:
        raise Refused(str(error)) from error


if __name__ == "__main__":
    main()
