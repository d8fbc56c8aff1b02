# SPDX-License-Identifier: Apache-2.0
"""Filter: that no target runs an image name, and which names look like it."""

from __future__ import annotations

import difflib
from typing import Any, Dict, Mapping, Sequence

DOCUMENTATION = r"""
name: nobody_runs
short_description: Say that no target of the hosts runs an image name
version_added: 0.1.0
author: The registry-docker-updater developers (!UNKNOWN)
description:
  - Reads what the role fleet_scan found on the hosts.
positional: hosts, image
options:
  _input:
    description: The variables of all hosts (C(hostvars)).
    type: dict
    required: true
  hosts:
    description: The names of the hosts that were asked.
    type: list
    elements: str
    required: true
  image:
    description: The image name that is to be updated.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See whether anything runs the image
  ansible.builtin.debug:
    msg: "{{ hostvars | registry.docker_updater.nobody_runs(ansible_play_hosts_all, 'registry.example.com/test/app:1') }}"
"""

RETURN = r"""
_value:
  description: >-
    A sentence, with the names most like it that targets do run; empty where a target runs the name or no host answered.
  type: str
"""


# Where it is said of targets that they do run it, and are not touched.
_TOLD = ("docker_update_skipped", "docker_update_superseded")


def nobody_runs(variables: Mapping[str, Any], hosts: Sequence[str], image: str) -> str:
    """Say that nothing on those of ``hosts`` that answered runs ``image``."""
    answered = [host for host in hosts if variables[host].get("fleet_scan_result")]
    scans = [variables[host]["fleet_scan_result"] for host in answered]
    is_told_of = any(variables[host].get(fact) for host in answered for fact in _TOLD)
    if not scans or is_told_of or any(scan["targets"] for scan in scans):
        return ""
    names = sorted({str(name) for scan in scans for name in scan.get("other_names") or ()})
    # They share much: a registry has few names of its own.
    close = difflib.get_close_matches(str(image), names, n=3, cutoff=0.85)
    silent = len(hosts) - len(answered)
    which = f"the {len(answered)} hosts that answered ({silent} did not)" if silent else "these hosts"
    if close:
        seen = f"did you mean {' or '.join(close)}?"
    elif names:
        seen = f"other image names run there: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
    else:
        seen = "nothing at all opted in there"
    return f"no target of {which} runs {image}: {seen}"


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Dict[str, Any]:
        """Return the filter by its name."""
        return {"nobody_runs": nobody_runs}
