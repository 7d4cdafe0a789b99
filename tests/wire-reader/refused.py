"""What every part of the reader raises."""


class Refused(Exception):
    """The bytes are not what they claim to be. The message says why."""
