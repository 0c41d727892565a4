"""Two runs, or two groups, against each other: what changed, and what it did."""
