# SPDX-License-Identifier: Apache-2.0
"""The option ``credentials`` of every module that pulls, or has others pull."""

from __future__ import annotations


class ModuleDocFragment:
    """What Ansible looks for; the option itself is in ``module_utils/credentials.py``."""

    DOCUMENTATION = r"""
options:
  credentials:
    description:
      - Accounts of registries, which come before those of the host's Docker configuration.
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description: Host, or host:port, of the registry.
        type: str
        required: true
      account:
        description: The account there.
        type: dict
        required: true
        suboptions:
          username:
            description: Name of the user.
            type: str
            required: true
          password:
            description: Password, or token, of the user.
            type: str
            required: true
"""
