"""What the engine of the load costs and holds, beside others. See traffic.py."""
