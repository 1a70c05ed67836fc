"""How the program ends: 0 done, 1 gate failed, 2 wrong use or input, 3 could not finish, 130 and 143 below."""

INTERRUPTED = 130
TERMINATED = 143
