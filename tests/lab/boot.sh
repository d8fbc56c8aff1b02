#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first process of a host: puts its root file system together, moves into it and becomes tini or, on a control host, systemd.
#
# Runs in new mount, pid, uts, ipc and net namespaces, as process 1.
# $1 the host's folder (upper, work, root, docker, log), $2 the shared root below the overlay, $3 its name, $4 its kind.
set -eu
here=$1 base=$2 name=$3 kind=$4

# The outer machine's /proc is still mounted here, so this line holds the id the outer machine knows.
read -r stat < /proc/self/stat

hostname "$name"
mount -t overlay -o "lowerdir=$base,upperdir=$here/upper,workdir=$here/work" overlay "$here/root"
cd "$here/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
if [ "$kind" = control ]; then
    # Its own part of version 2, as a container of systemd has it.
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    # Of the namespace's own devices; but with the control groups of the outer machine, which the engine needs.
    mount --rbind /sys/fs/cgroup sys/fs/cgroup
fi
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm run/sshd
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
for device in null zero full random urandom tty; do
    : > "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mkdir -p var/lib/docker
mount --bind "$here/docker" var/lib/docker
mount --bind "$here/log" var/log

# Not chroot: an engine in a chroot starts its containers' processes in the outer root.
pivot_root . mnt
cd /
echo "$stat" > "/mnt$here/init.new"
mv "/mnt$here/init.new" "/mnt$here/init"
umount -l /mnt
if [ "$kind" = control ]; then
    # By `container` systemd knows that the machine below is not its own.
    exec env -i container=lab PATH="$PATH" /lib/systemd/systemd
fi
exec tini -- sleep infinity
