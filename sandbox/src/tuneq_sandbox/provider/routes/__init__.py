"""The HTTP routes, a module a resource."""
