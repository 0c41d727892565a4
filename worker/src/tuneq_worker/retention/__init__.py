"""Old runs to the archive, and files that no run needs away from the provider."""
