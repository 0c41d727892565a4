"""Commands that run everything on this machine."""
