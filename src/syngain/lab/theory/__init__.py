"""Pure mathematics: divergences, entropies, Gaussians, bounds. Readable beside the paper."""
