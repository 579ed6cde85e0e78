"""Protection products."""
