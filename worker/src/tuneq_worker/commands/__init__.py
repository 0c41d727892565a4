"""Commands that need an account's key."""
