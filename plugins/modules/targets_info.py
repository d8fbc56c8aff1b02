#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: what one Docker engine runs that opted in to updates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: targets_info
short_description: List the services and containers of one engine that opted in to updates
description:
  - Asks one Docker engine for its part in a swarm, and for every swarm service and standalone container with the
    label C(registry-docker-updater) set to true, yes, on or 1.
  - Changes nothing. Tasks of swarm services and one-off runs of Compose are never listed.
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
extends_documentation_fragment:
  - registry.docker_updater.engine
attributes:
  check_mode:
    description: Runs alike in check mode.
    support: full
options:
  image:
    description: List only targets that run this image name (registry host, repository and tag).
    type: str
  aliases:
    description: Further registry hosts under which the registry of O(image) is known.
    type: list
    elements: str
    default: []
  moves:
    description:
      - Targets that move to O(image) from another tag of its repository, by C(service/ID) and C(container/HOST/NAME), each with
        the image name that it runs. They are listed, too, as long as they run that.
    type: dict
    default: {}
  host:
    description: The name of the host in the inventory, by which O(moves) calls its containers.
    type: str
    default: ""
  strategy:
    description:
      - What the inventory says of the steps of a rollout, with C(serial), C(max-failures) and C(order).
      - Only checked; what nobody can read is among the warnings.
    type: dict
    default: {}
  hooked:
    description: Whether the inventory has tasks of the shop's run around updates on this host. See RV(scan.at_once).
    type: bool
    default: false
  asked_at:
    description: When it is asked, in seconds since 1970 by the clock of who asks. Returned, to place ages in time.
    type: float
  election_timeout:
    description: Seconds to wait for managers that elect a leader, because they just lost one.
    type: int
    default: 0
  state_directory:
    description:
      - Directory on the managed host where M(registry.docker_updater.standalone_container) keeps what must outlive a crash
        of an update. Read, where there is one, to tell which updates are unfinished.
    type: path
    default: /var/lib/registry-docker-updater
"""

EXAMPLES = r"""
- name: List all targets of the host
  registry.docker_updater.targets_info:
  register: found

- name: List those that run one image
  registry.docker_updater.targets_info:
    image: registry.example.com/test/app:1.2
    aliases: [registry.internal:5000]
"""

RETURN = r"""
scan:
  description: What was found.
  returned: success
  type: dict
  contains:
    engine:
      description: The engine's id, name, version, api_version, os and architecture.
      type: dict
    swarm:
      description: >-
        Null outside a swarm, otherwise id (null on a worker), node_id, manager, leader, and may_be_manager: with manager
        false, the node cannot tell of its swarm, because that is locked or has lost its quorum.
      type: dict
    targets:
      description: >-
        One entry a target: kind (service or container), id, name, image (as the engine has it), image_id (of a container), reference (without
        digest; null where no push can concern it), digests, mode, options (what its labels say of serial, max-failures
        and order), notify (the receivers that its labels name), labels (all under C(registry-docker-updater.), by their names
        without that; what is too long or too many is put so that nobody can read it), state, changed_at and age (seconds); and moves_from, the image name
        from which it moves to O(image).
      type: list
      elements: dict
    unfinished:
      description: >-
        Updates of containers that were begun here and have not ended: name, image and digest wanted, age (seconds since
        it began), and is_worked_on, false where its process died and nobody goes on with it. Their targets are listed
        once, with state V(unfinished) and no digests.
      type: list
      elements: dict
    at_once:
      description: >-
        Whether targets of the host can be updated without regard to others: the inventory says nothing of steps, and has no
        tasks of the shop's run around updates. Labels of a target may say otherwise.
      type: bool
    other_names:
      description: With O(image), the other image names that targets run.
      type: list
      elements: str
    warnings:
      description: Labels without a meaning, targets that can never match, a swarm that does not answer.
      type: list
      elements: str
groups:
  description: The groups of the inventory that the host is in, by their names, without C(all) and C(ungrouped).
  returned: success
  type: list
  elements: str
policy:
  description: >-
    What the inventory's C(docker_update_policy) says of when, and whether, the targets of the host are updated, as text by the
    names of the labels; and C(order), where it says C(docker_update_order).
  returned: success
  type: dict
live:
  description: How the operator may open the engine itself; the inventory's C(docker_live), where it says so.
  returned: when the inventory says so
  type: raw
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import DIRECTORY
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.connection import ENGINE_OPTION
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
    check_host,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.strategy import (
    problems,
    says_nothing,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.reading import Concerned
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.scan import (
    for_seconds,
    scan,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str"},
            "aliases": {"type": "list", "elements": "str", "default": []},
            "moves": {"type": "dict", "default": {}},
            "host": {"type": "str", "default": ""},
            "strategy": {"type": "dict", "default": {}},
            "hooked": {"type": "bool", "default": False},
            "asked_at": {"type": "float"},
            "election_timeout": {"type": "int", "default": 0},
            "state_directory": {"type": "path", "default": DIRECTORY},
            "engine": ENGINE_OPTION,
        },
        supports_check_mode=True,
    )
    asked, began = module.params, time.monotonic()
    try:
        pushed = Reference.parse(asked["image"]) if asked["image"] else None
        aliases = [check_host(alias) for alias in asked["aliases"]]
        concerned = Concerned(pushed, aliases, asked["host"], asked["moves"]) if pushed else None
        patience = for_seconds(asked["election_timeout"])
        found = scan(Engine(asked["engine"]), patience, asked["state_directory"])
        of_the_name = concerned.of(found["targets"]) if concerned else found["targets"]
    except (InvalidReference, EngineUnreachable, NoAnswer, EngineError) as error:
        module.fail_json(msg=str(error))
    if concerned:
        ids = {target["id"] for target in of_the_name}
        others = {target["reference"] for target in found["targets"] if target["id"] not in ids}
        found.update(targets=of_the_name, other_names=sorted(filter(None, others)))
    strategy = asked["strategy"]
    found["warnings"] += problems(strategy)
    found["at_once"] = not asked["hooked"] and says_nothing(strategy)
    asked_at = asked["asked_at"]
    # Later by what was waited, for ages are as of the end.
    found["asked_at"] = None if asked_at is None else asked_at + time.monotonic() - began
    module.exit_json(changed=False, scan=found)


if __name__ == "__main__":
    main()
