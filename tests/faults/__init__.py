"""A proof that nothing is lost: faults that are meant to happen, and what was left afterwards."""
