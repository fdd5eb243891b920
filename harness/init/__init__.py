"""`harness init`: a settings file to begin with, from what is found in a folder."""
