"""The run store: requests, responses, spending, and what connects it to a generator."""
