"""What a tuned model got wrong, beside what a baseline did."""
