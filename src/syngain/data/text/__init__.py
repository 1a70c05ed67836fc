"""Text: normal forms, hashed n-grams, near duplicates."""
