#!/bin/sh
# Starts the node's engine. Its socket is in a folder of who started the container, for the group GROUP.
set -e
cgroup=/sys/fs/cgroup
# They are for reading only where the container is not privileged.
for place in /sys $cgroup $cgroup/*; do
    if mountpoint -q "$place"; then mount -o remount,bind,rw "$place"; fi
done
if [ -e $cgroup/cgroup.controllers ]; then
    # Of cgroup v2 only a leaf may hold processes. Ours move into one, so that containers can have others.
    mkdir -p $cgroup/node
    for process in $(cat $cgroup/cgroup.procs); do
        echo "$process" >$cgroup/node/cgroup.procs || true
    done
    for controller in $(cat $cgroup/cgroup.controllers); do
        echo "+$controller" >$cgroup/cgroup.subtree_control || true
    done
fi
exec dockerd --host unix:///run/node/docker.sock --group "$GROUP"
