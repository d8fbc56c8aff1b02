# SPDX-License-Identifier: Apache-2.0
"""Containers as people create them: what stands between ``docker create`` and the image, and after it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """``options`` of docker create, and ``command`` after the image."""

    options: str = ""
    command: str = ""


# Docker commands before; they make what the cases name.
SETUP = (
    "network create --subnet 10.201.0.0/24 --ip-range 10.201.0.128/25 one",
    "network create --subnet 10.202.0.0/24 --ip-range 10.202.0.128/25 two",
    "run -d --name peer --ipc shareable {image}",
    "run -d --name neighbour --network one {image}",
    "create --name holder -v data:/p -v /q {image}",
)

CASES: dict[str, Case] = {
    # what came from the image, and what did not
    "plain": Case(),
    "command": Case("", "'echo mine'"),
    "entrypoint": Case("--entrypoint /bin/busybox"),
    "entrypoint-and-command": Case("--entrypoint /bin/busybox", "sleep 9"),
    "no-entrypoint": Case("--entrypoint ''", "/bin/sleep 9"),
    "entrypoint-like-that-of-the-image": Case("--entrypoint /bin/sh"),
    "env": Case("-e MINE=1 -e CHANGED=mine -e SPACES='a b=c'"),
    "env-unset": Case("-e GONE -e PATH=/bin:/mine"),
    "env-empty": Case("-e MINE= -e GONE="),
    "env-same-key-as-new-image": Case("-e ADDED=mine"),
    "user": Case("--user 7:8"),
    "user-root": Case("--user 0"),
    "workdir": Case("--workdir /mine"),
    "stop-signal": Case("--stop-signal SIGUSR1"),
    "stop-timeout": Case("--stop-timeout 3"),
    "labels": Case("--label mine=1 --label changed=mine --label added=mine"),
    "label-compose-like-that-of-the-image": Case("--label com.docker.compose.project=p"),
    "health-command": Case("--health-cmd 'test -e /tmp'"),
    "health-interval": Case("--health-interval 2s"),
    "health-start-period": Case("--health-start-period 3s --health-retries 9 --health-timeout 4s"),
    "no-health": Case("--no-healthcheck"),
    "expose": Case("--expose 99 --expose 100-102/udp"),
    # names of hosts and of processes
    "hostname": Case("--hostname mine --domainname example.org"),
    "tty": Case("-t -i"),
    "attached": Case("-a stdout -a stderr"),
    # ports
    "ports": Case("-p 18080:80 -p 127.0.0.1:18081:81/udp -p 18090-18092:90-92"),
    "port-ephemeral": Case("-p 80 -p 127.0.0.1::82"),
    "port-exposed-by-new-image": Case("-p 18082:82"),
    "publish-all": Case("-P"),
    # storage
    "volume-named": Case("-v data:/data -v data2:/both"),
    "volume-anonymous": Case("-v /anonymous -v /both"),
    "volume-read-only": Case("-v data:/data:ro -v /tmp:/host:ro,rslave"),
    "volume-no-copy": Case("-v data:/data:nocopy"),
    "bind": Case("-v /srv:/srv -v /etc/hostname:/etc/mine:ro"),
    "bind-z": Case("-v /srv:/srv:z"),
    "mount-volume": Case("--mount type=volume,source=data,target=/data,volume-nocopy"),
    "mount-volume-anonymous": Case("--mount type=volume,target=/data"),
    "mount-volume-read-only": Case("--mount type=volume,source=data,target=/data,readonly"),
    "mount-volume-labels": Case("--mount 'type=volume,source=data,target=/data,volume-label=a=b'"),
    "mount-bind": Case("--mount type=bind,source=/srv,target=/srv,bind-propagation=rslave"),
    "mount-bind-read-only": Case("--mount type=bind,source=/srv,target=/srv,readonly"),
    "mount-tmpfs": Case("--mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770"),
    "tmpfs": Case("--tmpfs /t --tmpfs /u:rw,size=64k"),
    "tmpfs-on-image-volume": Case("--tmpfs /both"),
    "volumes-from": Case("--volumes-from holder"),
    "volumes-from-read-only": Case("--volumes-from holder:ro"),
    "read-only": Case("--read-only --tmpfs /tmp"),
    # networks
    "network": Case("--network one"),
    "network-alias": Case("--network one --network-alias a --network-alias b"),
    "network-address": Case("--network one --ip 10.201.0.7"),
    "network-mac": Case("--network one --mac-address 02:00:00:00:00:07"),
    "network-hostname": Case("--network one --hostname mine --network-alias other"),
    "network-link-local": Case("--network one --link-local-ip 169.254.7.7"),
    "network-link": Case("--network one --link neighbour:alias"),
    "network-host": Case("--network host"),
    "network-none": Case("--network none"),
    "network-bridge-mac": Case("--mac-address 02:00:00:00:00:08"),
    "network-container": Case("--network container:peer"),
    "link": Case("--link peer --link peer:alias"),
    "dns": Case("--dns 10.9.9.9 --dns-search example.org --dns-option ndots:2 --add-host a:10.0.0.1"),
    # namespaces and rights
    "pid-host": Case("--pid host"),
    "pid-container": Case("--pid container:peer"),
    "ipc-host": Case("--ipc host"),
    "ipc-none": Case("--ipc none"),
    "ipc-shareable": Case("--ipc shareable"),
    "ipc-container": Case("--ipc container:peer"),
    "uts-host": Case("--uts host"),
    "userns-host": Case("--userns host"),
    "cgroupns-host": Case("--cgroupns host"),
    "privileged": Case("--privileged"),
    "capabilities": Case("--cap-add NET_ADMIN --cap-drop MKNOD --cap-drop CHOWN"),
    "security": Case("--security-opt no-new-privileges --security-opt seccomp=unconfined"),
    "system-paths": Case("--security-opt systempaths=unconfined"),
    "groups": Case("--group-add 5 --group-add 6"),
    "devices": Case("--device /dev/null:/dev/mine:r --device-cgroup-rule 'c 1:3 mr'"),
    "init": Case("--init"),
    "runtime": Case("--runtime runc"),
    "sysctl": Case("--sysctl net.ipv4.ip_forward=1"),
    # resources
    "memory": Case("--memory 64m --memory-reservation 32m"),
    "memory-swap": Case("--memory 64m --memory-swap 128m"),
    "memory-swap-unlimited": Case("--memory 64m --memory-swap -1 --oom-kill-disable=false --oom-score-adj 5"),
    "cpus": Case("--cpus 0.5"),
    "cpu-shares": Case("--cpu-shares 100 --cpu-period 50000 --cpu-quota 25000 --cpuset-cpus 0"),
    "pids": Case("--pids-limit 50 --ulimit nofile=100:200 --ulimit core=0"),
    "shm": Case("--shm-size 32m"),
    "cgroup-parent": Case("--cgroup-parent /mine"),
    # policies
    "restart-always": Case("--restart always"),
    "restart-unless-stopped": Case("--restart unless-stopped"),
    "restart-on-failure": Case("--restart on-failure:3"),
    "log": Case("--log-driver json-file --log-opt max-size=1m --log-opt max-file=2"),
    "log-none": Case("--log-driver none"),
    "log-local": Case("--log-driver local"),
    "rm": Case("--rm"),
    "cid-file": Case("--cidfile /tmp/{name}.cid"),
}
