"""Research: memorization, recursive training, the demo."""
