"""What training on a synthetic dataset does: controls, forecast, learning curves, equivalent real rows."""
