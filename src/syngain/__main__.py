"""``python -m syngain``."""

from syngain.cli import main

main()
