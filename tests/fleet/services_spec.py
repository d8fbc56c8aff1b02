# SPDX-License-Identifier: Apache-2.0
"""A service spec in which every field is set that an engine without special hardware accepts."""

from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine

_SECOND = 10**9


def full_spec(engine: Engine, name: str, image: str) -> dict[str, Any]:
    """Make what the spec refers to, and return the spec."""
    network = engine.post("/networks/create", body={"Name": name, "Driver": "overlay", "Attachable": True})[
        "Id"
    ]
    secret = engine.post("/secrets/create", body={"Name": name, "Data": "c2VjcmV0"})["ID"]
    config = engine.post("/configs/create", body={"Name": name, "Data": "Y29uZmln"})["ID"]
    file = {"UID": "0", "GID": "0", "Mode": 0o444}
    check: dict[str, Any] = {
        "Test": ["CMD", "true"], "Interval": 2 * _SECOND, "Timeout": 3 * _SECOND, "Retries": 4, "StartPeriod": 5 * _SECOND,
    }  # fmt: skip
    container: dict[str, Any] = {
        "Image": image,
        "Labels": {"com.docker.stack.namespace": "shop", "of": "the container"},
        "Command": ["/bin/sh"],
        "Args": ["-c", "trap 'exit 0' TERM; while :; do sleep 60 & wait $!; done"],
        "Hostname": "host-{{.Task.Slot}}",
        "Env": ["A=1", "EMPTY=", "UNSET"],
        "Dir": "/tmp",
        "User": "0:0",
        "Groups": ["4", "5"],
        "Privileges": {"CredentialSpec": None, "SELinuxContext": {"Disable": True}},
        "TTY": True,
        "OpenStdin": True,
        "ReadOnly": True,
        "Mounts": [
            {"Type": "tmpfs", "Target": "/scratch", "TmpfsOptions": {"SizeBytes": 1048576, "Mode": 448}},
            {
                "Type": "volume", "Source": name, "Target": "/data", "ReadOnly": True,
                "VolumeOptions": {"NoCopy": True, "Labels": {"of": "the volume"}, "DriverConfig": {"Name": "local"}},
            },
            {"Type": "bind", "Source": "/etc", "Target": "/outer", "ReadOnly": True, "Consistency": "cached",
             "BindOptions": {"Propagation": "rprivate", "NonRecursive": True}},
        ],
        "StopSignal": "SIGTERM",
        "StopGracePeriod": 3 * _SECOND,
        "Healthcheck": check,
        "Hosts": ["10.0.0.1 one"],
        "DNSConfig": {"Nameservers": ["192.0.2.1"], "Search": ["example.com"], "Options": ["timeout:3"]},
        "Secrets": [{"SecretID": secret, "SecretName": name, "File": {"Name": "secret", **file}}],
        "Configs": [{"ConfigID": config, "ConfigName": name, "File": {"Name": "/config", **file}}],
        "Isolation": "default",
        "Init": True,
        "Sysctls": {"net.ipv4.ip_unprivileged_port_start": "80"},
        "CapabilityAdd": ["CAP_NET_ADMIN"],
        "CapabilityDrop": ["CAP_MKNOD"],
        "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 2048}],
    }  # fmt: skip
    if engine.speaks("1.44"):
        check["StartInterval"] = _SECOND
    orders = {"Parallelism": 2, "Delay": _SECOND, "Monitor": 2 * _SECOND, "MaxFailureRatio": 0.25}
    return {
        "Name": name,
        "Labels": {
            "registry-docker-updater": "true",
            "com.docker.stack.image": "registry.example.com/shop/app:1",
            "com.docker.stack.namespace": "shop",
        },
        "TaskTemplate": {
            "ContainerSpec": container,
            "Resources": {
                "Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": 64 << 20, "Pids": 50},
                "Reservations": {"NanoCPUs": 10_000_000, "MemoryBytes": 4 << 20},
            },
            "RestartPolicy": {
                "Condition": "on-failure",
                "Delay": _SECOND,
                "MaxAttempts": 3,
                "Window": 60 * _SECOND,
            },
            "Placement": {
                "Constraints": ["node.platform.os == linux", "node.role == manager"],
                "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.rack"}}],
                "MaxReplicas": 9,
                "Platforms": [
                    {"Architecture": "x86_64", "OS": "linux"},
                    {"Architecture": "s390x", "OS": "linux"},
                ],
            },
            "Networks": [{"Target": network, "Aliases": ["alias"], "DriverOpts": {"of": "the network"}}],
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m"}},
            "ForceUpdate": 7,
            "Runtime": "container",
        },
        "Mode": {"Replicated": {"Replicas": 2}},
        "UpdateConfig": {**orders, "FailureAction": "rollback", "Order": "start-first"},
        "RollbackConfig": {**orders, "FailureAction": "continue", "Order": "stop-first"},
        "EndpointSpec": {
            "Mode": "dnsrr",
            "Ports": [{"Name": "of", "Protocol": "tcp", "TargetPort": 80, "PublishMode": "host"}],
        },
    }
