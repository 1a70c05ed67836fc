"""Mathematics of the paper: divergences, entropies, Gaussians, bounds."""
