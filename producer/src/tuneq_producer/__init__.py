"""Puts fine-tune requests on the queue and reads the results: the tuneq command."""
