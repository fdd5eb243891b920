"""HTTP/2 over TLS, many requests on one connection. Imported where a stream asks for it alone."""
