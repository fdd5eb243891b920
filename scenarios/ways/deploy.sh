#!/bin/bash
# The new release first; once Caddy has seen it, the end of the old one.
. ./common.sh
start
sleep 1
stop
