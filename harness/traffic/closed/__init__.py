"""Traffic of the user's own: a locustfile's users, in a closed loop. Imported in the child alone.

Each of them waits for its answer before it asks again, so there is no schedule to hold a run
against: the sender counts what was begun, and the judge looks for a sample of each.
"""
