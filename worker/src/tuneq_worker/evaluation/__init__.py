"""Evaluations and their shards: plan, ask in bulk, score, conclude."""
