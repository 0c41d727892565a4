"""From published datasets and tables to chat lines."""
