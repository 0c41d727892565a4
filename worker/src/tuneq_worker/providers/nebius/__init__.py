"""The Nebius dialect: the OpenAI shape without metadata, and checkpoints to be deployed."""
