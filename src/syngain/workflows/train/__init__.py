"""Train: post-train a student, repair it."""
