"""What the worker's inner parts need of the world, as protocols, and what they answer."""
