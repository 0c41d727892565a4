"""tuneq's words as types: requests, runs, evaluations, and how they may change."""
