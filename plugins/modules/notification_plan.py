#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notification_plan
short_description: Work out who is told what
description:
  - Reads C(notification_message), or else C(notification_rollout), and all other variables C(notification_*), each on its own,
    so that one that cannot be worked out breaks its channel only.
  - Runs on the controller only, sends nothing and changes nothing. What it returns holds addresses and passwords, so use C(no_log).
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
attributes:
  check_mode:
    description: Runs alike in check mode.
    support: full
options:
  templates:
    description: Folder of the templates that no folder of the inventory has.
    type: path
    required: true
  others_listen:
    description: Whether the playbook may have handlers of its own, so that topics are to be notified though no channel is set.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Work out who is told what
  registry.docker_updater.notification_plan:
    templates: "{{ role_path }}/templates"
  register: planned
  no_log: true
"""

RETURN = r"""
then:
  description: What follows, C(tell), C(show), C(nobody) or C(refuse).
  returned: always
  type: str
refused_because:
  description: Why there is nothing that can be told.
  returned: when there is not
  type: str
message:
  description: The message in its normal form.
  returned: when there is one
  type: dict
subject:
  description: The message in a line.
  returned: when there is one
  type: str
topics:
  description: The topics of its items.
  returned: when there is one
  type: list
  elements: str
nobody:
  description: Why nobody is told, or nothing.
  returned: when there is a message, also to a receiver that is not there
  type: str
channels_set:
  description: The channels that the receiver has.
  returned: when there is a message
  type: list
  elements: str
tried:
  description: The channels to tell.
  returned: when there is a message
  type: list
  elements: str
own:
  description: Those of them that are a shop's own, each with its file.
  returned: when there is a message
  type: dict
refused:
  description: The channels that cannot be told, each with the reason.
  returned: when there is a message
  type: dict
messages:
  description: The words for each channel to tell.
  returned: when there is a message
  type: dict
templates:
  description: The paths of the templates that are used, by name.
  returned: when there is a message
  type: dict
variables:
  description: The receiver's variables, without C(notification_).
  returned: when there is a message
  type: dict
secrets:
  description: What must not be shown.
  returned: when there is a message
  type: list
  elements: str
problems:
  description: What is wrong with the variables.
  returned: when there is a message
  type: list
  elements: str
"""
