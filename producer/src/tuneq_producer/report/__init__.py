"""Was it worth it, and would more data help: a group's runs against their baselines."""
