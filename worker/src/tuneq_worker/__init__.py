"""Does the work of tuneq: tasks, stages, providers, evaluation."""
