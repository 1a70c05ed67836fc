"""The verbs: one function per command, where several rooms work together."""
