#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: target_outcome
short_description: Tell what became of a target that no module updated
description:
  - Returns what it is told, in the form in which M(registry.docker_updater.swarm_service) and
    M(registry.docker_updater.standalone_container) return what became of a target, and shows it in the output.
  - Runs on the controller only and changes nothing.
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
attributes:
  check_mode:
    description: Runs alike in check mode, but returns no outcome, as other modules do.
    support: full
options:
  kind:
    description: What the target is.
    type: str
    choices: [service, container]
    required: true
  id:
    description: Its id.
    type: str
    required: true
  name:
    description: Its name.
    type: str
    required: true
  outcome:
    description: What became of it.
    type: str
    required: true
  digest:
    description: The digest that it was to be given.
    type: str
    required: true
  before:
    description: Image and digest before.
    type: dict
    required: true
  after:
    description: Image and digest now; those before when not given.
    type: dict
  message:
    description: The cause, in a sentence.
    type: str
    required: true
  left_alone:
    description: Whether it was left alone because of what became of others.
    type: bool
    default: false
  held:
    description: Whether it was not touched though nothing is wrong, so that it is planned again.
    type: bool
    default: false
  lost:
    description: Whether this host lost sight of it, so that another one may know more.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Say that a container was left alone
  registry.docker_updater.target_outcome:
    kind: container
    id: 4c01db0b339c
    name: web
    outcome: skipped
    digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    before: {image: "registry.example.com/shop/web:1.4", digest: null}
    message: "left alone: step 1 of 3 failed"
    left_alone: true
"""

RETURN = r"""
outcome:
  description: What became of the target; the other options are returned likewise.
  returned: outside check mode
  type: str
  sample: skipped
held:
  description: Whether the target was not touched though nothing is wrong, so that it is planned again.
  returned: always
  type: bool
"""
