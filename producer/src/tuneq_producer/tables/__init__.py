"""What is known of a group as typed columns, for files and for notebooks."""
