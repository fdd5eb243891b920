"""A Compose project of the user's as the target: brought up beside whatever runs already, and one
of its services swapped.
"""
