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
author: The registry-docker-updater developers
extends_documentation_fragment:
  - registry.docker_updater.engine
  - registry.docker_updater.credentials
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
    required: true
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
lost:
  description: Whether this manager lost sight of its swarm, so that another one should look.
  returned: always
  type: bool
warnings:
  description: What else is worth knowing.
  returned: when there is something
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: always
  type: float
"""

import time
from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.connection import ENGINE_OPTIONS
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
    CREDENTIALS_OPTION,
    BadCredentials,
    accounts_by_registry,
    find_credentials,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import succeeds
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
    check_digest,
    check_host,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.engine import Refused, SwarmEngine
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import Progress
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.request import (
    PLACEMENT_LIMIT,
    Request,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.update import ServiceUpdate
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import SERVICE


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "required": True},
            "image": {"type": "str", "required": True},
            "digest": {"type": "str", "required": True},
            "aliases": {"type": "list", "elements": "str", "default": []},
            "found_image": {"type": "str"},
            "found_at": {"type": "str"},
            "time_limit": {"type": "int"},
            "placement_limit": {"type": "int", "default": PLACEMENT_LIMIT},
            "credentials": CREDENTIALS_OPTION,
            "config_directory": {"type": "path"},
            "progress_file": {"type": "path"},
            **ENGINE_OPTIONS,
        },
        supports_check_mode=True,
    )
    began = time.monotonic()
    try:
        request = _request(module.params, check_only=module.check_mode)
    except InvalidReference as error:
        module.fail_json(msg=str(error))
    with Progress(module.params["progress_file"]) as progress:
        swarm = SwarmEngine(Engine(module.params), module.params["service"], progress.say)
        update = ServiceUpdate(swarm, request, lambda host: _credentials(module.params, host), progress.say)
        report = update.run()
        progress.say(f"{report.outcome}: {report.message}" if report.outcome else report.message)
    for warning in dict.fromkeys(report.warnings):
        module.warn(f"{report.name}: {warning}")
    result: Dict[str, Any] = {
        "kind": SERVICE,
        "id": report.id or module.params["service"],
        "name": report.name or module.params["service"],
        "image": report.image,
        "digest": request.digest,
        "before": _side(report.before),
        "after": _side(report.after),
        "message": report.message,
        "msg": report.message,
        "lost": report.lost,
        "seconds": round(time.monotonic() - began, 1),
        "changed": report.changed,
    }
    if report.diff:
        result["diff"] = report.diff
    if not module.check_mode:
        result["outcome"] = report.outcome
    if not report.outcome or succeeds(report.outcome):
        module.exit_json(**result)
    module.fail_json(**result)


def _request(params: Mapping[str, Any], *, check_only: bool) -> Request:
    return Request(
        pushed=Reference.parse(params["image"]),
        digest=check_digest(params["digest"]),
        aliases=tuple(check_host(alias) for alias in params["aliases"]),
        found_image=params["found_image"] or "",
        found_at=params["found_at"] or "",
        time_limit=params["time_limit"],
        placement_limit=params["placement_limit"],
        check_only=check_only,
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
