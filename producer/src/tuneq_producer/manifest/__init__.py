"""Manifests: files with one request a row, read one row at a time."""
