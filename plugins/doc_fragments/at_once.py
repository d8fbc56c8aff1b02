# SPDX-License-Identifier: Apache-2.0
"""The option ``at_once`` of the modules that update targets."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of ``AT_ONCE_OPTION``, which is in ``module_utils/scan/at_once.py``."""

    DOCUMENTATION = r"""
options:
  at_once:
    description:
      - Look at what the host runs of O(image), and update what of it is asked for here, in one go. What is found is returned
        as M(registry.docker_updater.targets_info) does.
      - A target is left alone, and nothing is said of it, where the inventory or its labels say in which step it comes or what is
        done around it, where they say that it is not updated, where what they say changed since it was planned, and where a person changed it
        after the push.
    type: dict
    suboptions:
      host:
        description: The name of the host in the inventory.
        type: str
        required: true
      targets:
        description: >-
          The targets, by C(service/ID) and C(container/HOST/NAME), each with the digests that it may run, or null where it may run
          anything.
        type: dict
        required: true
      planned:
        description: >-
          What was planned, by the same keys, each with the C(labels) that it had, as M(registry.docker_updater.targets_info) tells
          them, and in C(policy), by host, what the inventory said of its hosts. Without one of them, it is not compared.
        type: dict
      policies:
        description: What the inventory says by now of the hosts in O(at_once.planned), by host. It is worked out on the controller.
        type: dict
        default: {}
      pushed_at:
        description: When the image was pushed, in seconds since 1970.
        type: float
        default: 0
      asked_at:
        description: What time it is, in seconds since 1970, by the clock that O(at_once.pushed_at) is by.
        type: float
        required: true
      strategy:
        description: What the inventory says of the steps of a rollout, with C(serial), C(max-failures) and C(order).
        type: dict
        default: {}
      hooked:
        description: Whether the inventory has tasks of the shop's run around updates on this host.
        type: bool
        default: false
      moves:
        description: Targets that move to O(image) from another tag, by the same keys, each with the image name that it runs.
        type: dict
        default: {}
"""
