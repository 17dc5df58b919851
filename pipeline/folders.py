"""The folders below a tree of artifacts, by name; imports nothing, so that every command may ask."""

STAGES = ("generate", "curate", "encode", "train", "bootstrap", "evaluate", "report")
SWEEPS = "sweeps"
"""The folder beside those of the stages that keeps what runs each sweep has."""
