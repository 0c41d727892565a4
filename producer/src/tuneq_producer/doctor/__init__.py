"""What `tuneq doctor` looks at, one thing a module."""
