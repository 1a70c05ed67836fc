"""Several datasets or strategies next to each other."""
