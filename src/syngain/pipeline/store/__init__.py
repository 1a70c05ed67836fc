"""The run store: requests, responses, spending, and its connection to a generator."""
