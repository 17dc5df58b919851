"""Answers by closure, traces by replay: the verifier, which never asks Prolog."""
