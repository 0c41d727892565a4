"""What the rest of tuneq may ask of a store, as protocols and the records they exchange."""
