"""A fine-tuning provider on this machine: the OpenAI dialect over HTTP, with a real learner."""
