"""The Fireworks dialect: datasets, supervised fine-tuning jobs and on-demand deployments."""
