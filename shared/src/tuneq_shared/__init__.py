"""What tuneq's producers and workers share: domain, store, data, settings."""
