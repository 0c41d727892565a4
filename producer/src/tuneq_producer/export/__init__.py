"""All that is known of a group, as files that need no tuneq to be read."""
