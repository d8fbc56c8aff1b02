# SPDX-License-Identifier: Apache-2.0
"""A fleet of real hosts on one machine, for tests and for trying things out: see docs/lab.md."""

from lab.errors import CommandFailed, LabError, WaitedTooLong
from lab.fleet import Lab
from lab.host import Host
from lab.registry import Registry
from lab.spec import Endpoint, HostSpec, LabSpec, RegistrySpec, SwarmSpec
from lab.swarm import Swarm

__all__ = [
    "CommandFailed",
    "Endpoint",
    "Host",
    "HostSpec",
    "Lab",
    "LabError",
    "LabSpec",
    "Registry",
    "RegistrySpec",
    "Swarm",
    "SwarmSpec",
    "WaitedTooLong",
]
