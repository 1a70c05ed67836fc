"""CPU time in units of this machine, for bounds on work that hold on slow machines too."""

import time

STEPS = 4_000_000


def plain_steps() -> float:
    """CPU seconds of four million plain steps."""
    begin = time.process_time()
    assert sum(1 for _ in range(STEPS)) == STEPS
    return time.process_time() - begin
