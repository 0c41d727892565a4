"""From rows to runs: everything is checked first, then staged, then created."""
