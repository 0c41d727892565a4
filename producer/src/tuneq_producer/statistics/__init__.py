"""The statistics of a report, as pure functions."""
