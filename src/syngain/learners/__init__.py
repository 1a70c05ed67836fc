"""The proxies: small learners that fit, predict and give log-probabilities. No accounting."""
