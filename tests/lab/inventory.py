# SPDX-License-Identifier: Apache-2.0
"""The Ansible inventory of a lab."""

from pathlib import Path

import yaml

from lab.spec import LabSpec

_SSH = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5"


def write_inventory(spec: LabSpec, private_key: Path, path: Path) -> None:
    """Write the hosts of a lab, in groups `swarm_<name>` and `standalone`, as YAML."""
    addresses = {host.name: {"ansible_host": host.address} for host in spec.planned_hosts}
    groups: dict[str, list[str]] = {}
    if spec.hosts:
        groups["standalone"] = [host.name for host in spec.hosts]
    for swarm in spec.swarms:
        # A hyphen is not valid in the name of a group.
        groups[f"swarm_{swarm.name.replace('-', '_')}"] = list(swarm.node_names)
    inventory = {
        "all": {
            "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(private_key),
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_ssh_common_args": _SSH,
            },
            "children": {
                group: {"hosts": {name: addresses[name] for name in names}} for group, names in groups.items()
            },
        }
    }
    path.write_text(yaml.safe_dump(inventory, sort_keys=False))
