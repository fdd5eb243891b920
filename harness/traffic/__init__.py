"""The load: a strict client, of HTTP/1.1 and HTTP/2, and the recorder of its samples.

One planned request is one attempt and one sample: nothing is retried, redirected or hidden.
"""
