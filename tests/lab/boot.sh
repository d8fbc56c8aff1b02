#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first process of a host: puts its root file system together, moves into it and becomes tini.
#
# Runs in new mount, pid, uts, ipc and net namespaces, as process 1.
# $1 the host's folder (upper, work, root, docker, log), $2 the shared root below the overlay, $3 its name.
set -eu
here=$1 base=$2 name=$3

# The outer machine's /proc is still mounted here, so this line holds the id the outer machine knows.
read -r stat < /proc/self/stat

hostname "$name"
mount -t overlay -o "lowerdir=$base,upperdir=$here/upper,workdir=$here/work" overlay "$here/root"
cd "$here/root"
mount -t proc proc proc
# Of the namespace's own devices; but with the control groups of the outer machine, which the engine needs.
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
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
exec tini -- sleep infinity
