"""How readings travel: published by a device or through a gateway, found, fetched and shown alone."""
