"""Encoders: rows to embeddings."""
