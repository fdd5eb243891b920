"""`harness doctor`: what is missing on this machine, and what rate it can hold."""
