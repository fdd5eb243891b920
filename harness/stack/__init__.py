"""The bundled target: edge (NGINX), balancer (HAProxy), website, store (Redis), on one engine."""
