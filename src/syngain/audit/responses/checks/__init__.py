"""Checks of what a response holds: tool calls, code, arithmetic, personal data and secrets."""
