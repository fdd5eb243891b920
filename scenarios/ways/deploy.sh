#!/bin/bash
# The new release first, then the traffic, then the end of the old one.
. ./common.sh
start
route
sleep 1
stop
