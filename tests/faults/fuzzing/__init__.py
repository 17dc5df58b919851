"""Inputs that are wrong, and what a command does with them."""
