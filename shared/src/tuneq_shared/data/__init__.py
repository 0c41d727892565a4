"""Datasets: reading chat lines, checking them, sampling them, counting tokens."""
