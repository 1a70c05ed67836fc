"""The command line: one file per command. Parses, calls one verb, renders. Loads nothing heavy before it must."""

import sys

from syngain.cli.exit_codes import INTERRUPTED, TERMINATED, settled, termination

__all__ = ["main"]


def main() -> None:
    """Run the program. An interruption while it loads ends as quietly as a later one."""
    with termination() as terminated:
        try:
            from syngain.cli.app import main as run
        except KeyboardInterrupt:
            print("interrupted; nothing was written", file=sys.stderr)
            settled()
            sys.exit(TERMINATED if terminated else INTERRUPTED)
    run()
