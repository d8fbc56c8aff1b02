#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: hear what running updates of services have to tell."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_service_progress
short_description: Ask what updates of swarm services that run in the background have to tell
description:
  - Asked again and again by M(registry.docker_updater.swarm_service) on the controller, which shows what is told.
  - Changes nothing.
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
attributes:
  check_mode:
    description: Runs alike in check mode.
    support: full
options:
  files:
    description: The progress file of each service, by the service's name.
    type: dict
    required: true
  offsets:
    description: How much of each file is known already, in bytes.
    type: dict
    default: {}
  wait:
    description: Seconds to wait for something new before answering.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Show how two updates are going
  registry.docker_updater.swarm_service_progress:
    files:
      shop_web: /tmp/progress/web
      shop_api: /tmp/progress/api
"""

RETURN = r"""
lines:
  description: What was told, each entry with service and text.
  returned: success
  type: list
  elements: dict
offsets:
  description: How much of each file is known now, in bytes.
  returned: success
  type: dict
going_on:
  description: The services whose update is not over.
  returned: success
  type: list
  elements: str
ends:
  description: What came of those that are over, by the service's name. One that was killed has none.
  returned: success
  type: dict
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import (
    read_progress,
    read_result,
)

_EVERY = 0.2


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "dict", "required": True},
            "offsets": {"type": "dict", "default": {}},
            "wait": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    offsets = {service: int(module.params["offsets"].get(service, 0)) for service in module.params["files"]}
    until = time.monotonic() + module.params["wait"]
    while True:
        lines, going_on = [], []
        # In their order: those that came first have ended when others begin.
        for service, path in module.params["files"].items():
            try:
                heard, offsets[service], over = read_progress(path, offsets[service])
            except OSError as error:
                module.fail_json(msg=f"cannot read the progress of {service}: {error}")
            lines += [{"service": service, "text": text} for text in heard]
            if not over:
                going_on.append(service)
        if lines or not going_on or time.monotonic() >= until:
            ended = {name: path for name, path in module.params["files"].items() if name not in going_on}
            found = {name: read_result(path) for name, path in ended.items()}
            ends = {name: result for name, result in found.items() if result}
            module.exit_json(changed=False, lines=lines, offsets=offsets, going_on=going_on, ends=ends)
        time.sleep(_EVERY)


if __name__ == "__main__":
    main()
