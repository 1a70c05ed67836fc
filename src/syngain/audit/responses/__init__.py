"""Bad responses of pairs: kinds, their detectors, and how often each occurs next to the real rows."""
