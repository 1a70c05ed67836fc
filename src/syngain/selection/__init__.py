"""Select rows and find mixture weights, compared with random selection."""
