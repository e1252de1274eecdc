"""What somebody tries who hands in references, or may write to the storage."""
