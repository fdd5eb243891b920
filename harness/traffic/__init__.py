"""The load: a strict HTTP/1.1 client and the recorder of its samples.

One planned request is one attempt and one sample: nothing is retried, redirected or hidden.
"""
