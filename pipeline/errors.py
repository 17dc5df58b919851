"""What the pipeline refuses, in sentences that a user can act on."""


class Refusal(Exception):
    """Something the user asked for cannot be done; the message says why and what to do next."""


class Damaged(Refusal):
    """A file of an artifact is missing or is not what its manifest says."""


class Unfinished(Refusal):
    """An artifact has no manifest: it was never finished."""
