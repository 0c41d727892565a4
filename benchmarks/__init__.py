"""What tuneq does against a named alternative, in the same run: `python -m benchmarks.NAME`."""
