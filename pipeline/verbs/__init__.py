"""Verbs of the command line beside the stages: `add(verbs, make)` of each declares its parser."""
