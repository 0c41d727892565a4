"""The commands of `tuneq`, one a module."""
