"""Local models: catalog, fetching, checkpoints."""
