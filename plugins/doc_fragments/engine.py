# SPDX-License-Identifier: Apache-2.0
"""The option ``engine`` of every module of the collection that asks one."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of ``ENGINE_OPTION``, which is in ``module_utils/engine/connection.py``."""

    DOCUMENTATION = r"""
options:
  engine:
    description: How to reach the host's Docker engine, where that is not its usual socket.
    type: dict
    suboptions:
      docker_host:
        description: Where the engine listens, as V(unix:///path), V(tcp://host:port) or V(https://host:port).
        type: str
        default: unix:///var/run/docker.sock
      timeout:
        description: Seconds of silence after which a request to the engine is given up.
        type: int
        default: 60
      tls:
        description: Speak TLS on a V(tcp://) address.
        type: bool
        default: false
      validate_certs:
        description: Verify the engine's certificate.
        type: bool
        default: true
      ca_path:
        description: Certificates of the authority that signed the engine's.
        type: path
      client_cert:
        description: The client's certificate.
        type: path
      client_key:
        description: The client's key.
        type: path
      tls_hostname:
        description: The name to expect in the engine's certificate, where it differs from the address.
        type: str
"""
