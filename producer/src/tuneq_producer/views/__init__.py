"""Runs and evaluations as they are shown to people and scripts."""
