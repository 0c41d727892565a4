"""Where requests of other programs come in: the stream, and the task that leads to it."""
