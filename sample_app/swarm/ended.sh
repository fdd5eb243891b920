#!/bin/sh
# Waits until a service's update or rollback is over. Exit code 0 where it ended as it was to:
#
#   ended.sh SERVICE completed|rollback_completed
#
# `docker service update` ends with 0 too where Swarm went back to the old release.
service=$1 wanted=$2 left=600
while :; do
    state=$(docker service inspect --format '{{with .UpdateStatus}}{{.State}}{{end}}' "$service") || exit 1
    case $state in
        '' | updating | rollback_started) ;;
        *) break ;;
    esac
    left=$((left - 1))
    [ "$left" -gt 0 ] || break
    sleep 0.1
done
[ "$state" = "$wanted" ] && exit 0
echo "$service: the update ended as '$state', not '$wanted'; docker service ps $service says why" >&2
exit 1
