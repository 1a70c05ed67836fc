"""One verb per command that needs several folders."""
