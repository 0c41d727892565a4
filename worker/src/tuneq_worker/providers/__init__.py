"""Adapters of the provider port, one for each dialect."""
