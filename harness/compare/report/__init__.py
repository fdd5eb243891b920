"""A comparison in print, drawn, and for machines."""
