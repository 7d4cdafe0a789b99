"""Waiting for a condition with patience."""

import time

LIMIT_S = 180
PAUSE_S = 0.5


class NeverCame(Exception):
    """A condition did not become true in time."""


def wait_for(what, condition, limit_s=LIMIT_S):
    """The condition's first true value."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise NeverCame(f"waited {limit_s} s for {what}")
        time.sleep(PAUSE_S)
