"""Child processes that never outlive their parent, and the folders and ports they own."""
