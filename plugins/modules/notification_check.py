#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notification_check
short_description: Say who is told on which channels, and what is wrong with that
description:
  - Reads all variables C(notification_*), and the inventory's own templates and channels. It runs on the controller only, sends
    nothing and changes nothing.
  - No address, token or password is returned.
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
  samples:
    description: File of variables with messages by name, C(__notification_samples), that each template of the inventory is tried with.
    type: path
    required: true
  asked_receivers:
    description: Names of receivers that are used elsewhere.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Look at how notifications are set
  registry.docker_updater.notification_check:
    templates: "{{ role_path }}/templates"
    samples: "{{ role_path }}/vars/samples.yml"
  register: looked
"""

RETURN = r"""
receivers:
  description: The channels of each receiver.
  returned: always
  type: dict
problems:
  description: What is wrong, in sentences.
  returned: always
  type: list
  elements: str
"""
