"""Frozen language model as features: hidden states on disk, and a low-rank correction trained on them."""
