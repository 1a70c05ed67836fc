"""Train a student: TRL and PEFT trainers, pattern overfitting and its repair."""
