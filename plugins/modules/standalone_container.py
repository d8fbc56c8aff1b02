#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: give a standalone container a new image, or finish what an interrupted run left."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standalone_container
short_description: Give a standalone Docker container the image just pushed
description:
  - Recreates a container from another digest of the image name that it already uses. What its user set stays,
    what came from the old image comes from the new one.
  - All that can fail fails before the old container stops. The old container is kept, stopped and under another
    name, until the new one is proven by its health check, or by staying up where it has none. Otherwise the old
    container comes back, and the digest is not tried on that container again.
  - Containers that hold a reference to the container (its network, pid or ipc namespace, or a link) are recreated
    with it from their own images, and those that Compose was told to restart with it are restarted.
  - The work is done by a process on the managed host that outlives the connection. An update that was
    interrupted, even by a crash of the host, is finished or undone by the next run there.
  - Where the module itself runs in the container that is to be replaced, a helper does it, a container beside it that outlives it. That
    needs the operator's own image, and O(state_directory) in a volume.
  - Tasks of a swarm, one-off runs of Compose and the like are never touched.
options:
  name:
    description:
      - Name of the container. Required unless O(state=repaired).
    type: str
  image:
    description:
      - The image name that was pushed, with its tag. A container that runs another one is skipped.
    type: str
  digest:
    description:
      - The digest that the container is to run.
    type: str
  aliases:
    description:
      - Further registry hosts, with their ports, that mean the same registry as the one in O(image).
      - The image is pulled by the name that the container uses.
    type: list
    elements: str
    default: []
  found_digests:
    description:
      - The digests that a scan at the begin of the run found the container to run. One that runs another image now, and not
        O(digest), was changed by somebody else, and is superseded.
      - Without any, or where an interrupted update of it is finished first, nothing is compared.
    type: list
    elements: str
    default: []
  found_image:
    description:
      - The id of the image that the scan found the container to run. An engine can forget the digests of an image when its
        tag goes to another, as it does while the first of several containers is updated. One that still runs this image was
        changed by nobody.
    type: str
  moves_from:
    description:
      - The image name that the container runs, another tag of the repository of O(image), where it is to move from that to O(image).
        It is created anew under that name then, as its own host writes it, whatever the digest.
      - From the name of another repository nothing moves.
    type: str
  containers:
    description:
      - Several containers at once, instead of O(name), as M(registry.docker_updater.targets_info) lists them. Of each count C(name),
        what the run found it to be before, C(digests) and C(image_id), and C(moves_from).
      - They are updated side by side; those that lean on each other one after the other, in the order in which they come up.
    type: list
    elements: dict
  parallel:
    description:
      - How many of O(containers) are under way at the same time.
    type: int
    default: 16
  state:
    description:
      - V(present) finishes what earlier runs left for any container of this engine, then updates O(name).
      - V(repaired) only finishes what earlier runs left, and returns the order of all containers.
    type: str
    choices: [present, repaired]
    default: present
  settle:
    description:
      - Seconds for which the new container must run without a restart before it counts as good.
    type: float
    default: 10
  health_timeout:
    description:
      - Seconds within which the new container must become healthy.
      - Without it, as long as its health check needs to fail for sure, from its own start period, interval,
        timeout and retries.
    type: float
  paused:
    description:
      - What to do with a paused container. V(skip) leaves it alone, V(keep) updates it and pauses the new one.
    type: str
    choices: [skip, keep]
    default: skip
  cleanup:
    description:
      - Remove the old image after a successful update, unless any container uses it or it has another name.
    type: bool
    default: false
  try_again:
    description:
      - Try a digest that was found bad for this container before.
    type: bool
    default: false
  state_directory:
    description:
      - Directory on the managed host for journals and the lock. It is made for its owner only.
    type: path
    default: /var/lib/registry-docker-updater
attributes:
  check_mode:
    description: Nothing is pulled or changed.
    support: full
  diff_mode:
    description: Shows the digests, and which defaults of the image fall away and which are adopted.
    support: full
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
extends_documentation_fragment:
  - registry.docker_updater.engine
  - registry.docker_updater.credentials
  - registry.docker_updater.at_once
"""

EXAMPLES = r"""
- name: Give the container the image just pushed
  registry.docker_updater.standalone_container:
    name: web
    image: registry.example.com/shop/web:1.4
    digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

- name: Finish what an interrupted run left on this host
  registry.docker_updater.standalone_container:
    state: repaired
"""

RETURN = r"""
outcome:
  description: What became of the container. Not returned in check mode and with O(state=repaired).
  returned: when O(state=present)
  type: str
  sample: updated
  choices: [updated, unchanged, rolled_back, rollback_failed, failed, superseded, skipped]
kind:
  description: Always V(container).
  returned: when O(state=present)
  type: str
  sample: container
id:
  description: Id of the container that has the name now.
  returned: when O(state=present)
  type: str
  sample: 4c01db0b339c3c7a6d0a7b0a4f0f2d3a1b6f3f7a4f3d2c1b0a9f8e7d6c5b4a39
name:
  description: Name of the container.
  returned: when O(state=present)
  type: str
  sample: web
image:
  description: The image name that was pushed.
  returned: when O(state=present)
  type: str
  sample: registry.example.com/shop/web:1.4
digest:
  description: The digest that was wanted.
  returned: when O(state=present)
  type: str
  sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
before:
  description: Id, image name and digest before.
  returned: when O(state=present)
  type: dict
  sample: {id: 0f6c…, image: "registry.example.com/shop/web:1.4", digest: "sha256:2c26…"}
after:
  description: Id, image name and digest now.
  returned: when O(state=present)
  type: dict
  sample: {id: 4c01…, image: "registry.example.com/shop/web:1.4", digest: "sha256:9f86…"}
message:
  description: One sentence with the cause, and the remedy where there is one.
  returned: always
  type: str
  sample: web now runs sha256:9f86…
log:
  description: >-
    The last lines, ten at most, of the log of the new container that did not prove itself, with the outcomes failed, rolled_back
    and rollback_failed. Empty where it has none, or it cannot be read.
  returned: when O(state=present)
  type: list
  elements: str
  sample: ["cannot connect to the database"]
warnings:
  description: What could not be kept, and what else is worth knowing.
  returned: when there are any
  type: list
  elements: str
  sample: []
seconds:
  description: How long it took.
  returned: when O(state=present)
  type: float
  sample: 12.3
downtime:
  description: Seconds from asking the old container to stop until the new one was started. Null where neither happened.
  returned: when O(state=present)
  type: float
  sample: 0.41
stages:
  description: >-
    For how many seconds each stage lay back when this was told: reached (the work on the host began), looked, pulled, created,
    stopped (the old one), started (the new one), proven.
  returned: when O(state=present)
  type: dict
  sample: {reached: 3.1, pulled: 2.2, created: 2.0, stopped: 1.5, started: 1.2, proven: 0.1}
repairs:
  description: The results of the updates of earlier runs that were finished or undone, each like the result of an update.
  returned: always
  type: list
  elements: dict
  sample: []
scan:
  description: What the host runs of the image, like RV(registry.docker_updater.targets_info#module:scan).
  returned: with O(at_once)
  type: dict
  sample: {}
order:
  description: Names of all containers of the engine, those that others lean on first.
  returned: when O(state=repaired)
  type: list
  elements: str
  sample: [database, web]
"""

import time
from typing import Any, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.container.answer import (
    Answer,
    completed,
    warnings_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.asked import (
    TOLD,
    job_of,
    requests_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import DIRECTORY
from ansible_collections.registry.docker_updater.plugins.module_utils.container.place import work
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.side_by_side import PARALLEL
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.connection import ENGINE_OPTION
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.credentials import (
    CREDENTIALS_OPTION,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import InvalidReference
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.at_once import (
    AT_ONCE_OPTION,
    look_again,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.stages import LOOKED, REACHED, ages
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import CONTAINER

_WHICH = ("name", "containers", "at_once")


def main() -> None:
    """Read the options, have the work done, and tell what came of it."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str"},
            "image": {"type": "str"},
            "digest": {"type": "str"},
            "aliases": {"type": "list", "elements": "str", "default": []},
            "found_digests": {"type": "list", "elements": "str", "default": []},
            "found_image": {"type": "str"},
            "moves_from": {"type": "str"},
            "containers": {"type": "list", "elements": "dict"},
            "parallel": {"type": "int", "default": PARALLEL},
            "credentials": CREDENTIALS_OPTION,
            "state": {"type": "str", "choices": ["present", "repaired"], "default": "present"},
            "settle": {"type": "float", "default": 10},
            "health_timeout": {"type": "float"},
            "paused": {"type": "str", "choices": ["skip", "keep"], "default": "skip"},
            "cleanup": {"type": "bool", "default": False},
            "try_again": {"type": "bool", "default": False},
            "state_directory": {"type": "path", "default": DIRECTORY},
            "at_once": AT_ONCE_OPTION,
            "engine": ENGINE_OPTION,
        },
        required_if=[
            ("state", "present", ("image", "digest")),
            ("state", "present", _WHICH, True),
        ],
        mutually_exclusive=[_WHICH],
        supports_check_mode=True,
    )
    params = module.params
    moments = {REACHED: time.monotonic()}
    if any(not one.get("name") for one in params["containers"] or ()):
        module.fail_json(msg="each of containers has a name")
    scan: Answer = {}
    try:
        containers = params["containers"] or ()
        if params["at_once"]:
            scan["scan"], containers = look_again(params, CONTAINER, params["state_directory"])
            moments[LOOKED] = time.monotonic()
        requests = requests_of(params, containers)
        answer = {**scan, **completed(_answer(module, containers, requests), requests)}
    except (*TOLD, InvalidReference) as error:
        module.fail_json(msg=str(error), message=str(error), **scan)
    for one in (*answer.get("containers", ()), *answer.get("repairs", ())):
        one["stages"] = ages({**moments, **one.get("stages", {})}, time.monotonic())
    for name, warning in warnings_of(answer):
        module.warn(f"{name}: {warning}" if name else warning)
    if params["name"] and requests:
        # Asked for one, the answer is about it.
        answer.update(answer.pop("containers")[0])
    elif answer.get("containers") and all("diff" in one for one in answer["containers"]):
        answer["diff"] = [one["diff"] for one in answer["containers"]]
    if answer["failed"]:
        module.fail_json(**{"msg": answer["message"], **answer})
    module.exit_json(**answer)


def _answer(
    module: AnsibleModule, asked: Sequence[Mapping[str, Any]], requests: Sequence[Request]
) -> Optional[Answer]:
    params = module.params
    if params["at_once"] and not requests:
        return {"containers": [], "repairs": []}
    if module.check_mode:
        return job_of(params).preview(requests)
    return work(params, asked, requests)


if __name__ == "__main__":
    main()
