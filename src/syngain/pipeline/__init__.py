"""From real rows to prompts, generated rows and curation; the run store. Knows no command and no report."""
