"""Together AI, by its own SDK."""
