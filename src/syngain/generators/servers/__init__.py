"""How servers are spoken to: wordings of requests, what their errors teach, batch files."""
