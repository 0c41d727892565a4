"""tuneq on one machine, offline: embedded Redis, a provider that really learns, up and demo."""
