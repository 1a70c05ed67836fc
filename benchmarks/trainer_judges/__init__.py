"""What trainers make of converted rows, read with their own code: one module per trainer."""
