"""The OpenAI dialect: fine-tuning jobs, files and chat as OpenAI and its likes serve them."""
