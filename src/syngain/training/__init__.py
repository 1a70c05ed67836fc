"""Post-training a student: TRL's and PEFT's trainers behind thin adapters, pattern overfitting and its repair."""
