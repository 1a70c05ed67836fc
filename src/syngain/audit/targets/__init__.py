"""Wrong targets: numbers, scores, label sets, tags and candidates that contradict the real rows."""
