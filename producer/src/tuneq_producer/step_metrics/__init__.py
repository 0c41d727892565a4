"""How a training went, step by step, and what went wrong in it."""
