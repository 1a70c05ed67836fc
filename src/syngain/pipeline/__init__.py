"""Generation: prompts from real rows, generated rows, curation, run store."""
