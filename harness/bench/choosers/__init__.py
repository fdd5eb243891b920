"""HAProxy's algorithms, one file a kind, for the simulation.

Read in HAProxy's source: src/backend.c, lb_fwrr.c, lb_map.c, lb_fwlc.c, lb_fas.c, lb_chash.c and
queue.c, versions 3.0 and 3.5-dev; what differs between them is said where it does.
"""
