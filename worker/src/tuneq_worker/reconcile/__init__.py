"""An account's jobs at the provider against the runs here."""
