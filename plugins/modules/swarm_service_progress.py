#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: hear what running updates of services have to tell."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_service_progress
short_description: Follow updates of swarm services that run in the background, and show their progress
description:
  - Shows every line that tasks of M(registry.docker_updater.swarm_service) started with C(async) write to their
    O(registry.docker_updater.swarm_service#module:progress_file), as it comes, until all of them are over.
  - Changes nothing. A connection that breaks is taken up again.
version_added: 0.1.0
author: The registry-docker-updater developers
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
    description: How much of each file is known already, in bytes. Set by the action plugin.
    type: dict
    default: {}
  wait:
    description: Seconds to wait for something new before answering. Set by the action plugin.
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
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.progress import read_progress

_EVERY = 0.5


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
        for service, path in sorted(module.params["files"].items()):
            try:
                heard, offsets[service], over = read_progress(path, offsets[service])
            except OSError as error:
                module.fail_json(msg=f"cannot read the progress of {service}: {error}")
            lines += [{"service": service, "text": text} for text in heard]
            if not over:
                going_on.append(service)
        if lines or not going_on or time.monotonic() >= until:
            module.exit_json(changed=False, lines=lines, offsets=offsets, going_on=going_on)
        time.sleep(_EVERY)


if __name__ == "__main__":
    main()
