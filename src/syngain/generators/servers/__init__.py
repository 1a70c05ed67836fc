"""Dialects of servers: wordings of requests, what their errors teach, batch files."""
