"""Information in nats from log-probabilities: estimators, scoring, sentences."""
