"""The Azure dialect: the OpenAI shape for jobs and chat, and Azure's management for deployments."""
