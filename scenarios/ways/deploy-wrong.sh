#!/bin/bash
# The old release ends before the new one is there.
. ./common.sh
stop
sleep 1
start
