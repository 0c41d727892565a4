"""One prompt to a tuned model and to its base, side by side."""
