"""A module for each kind of input; `WAYS` of each are functions that draw a case."""
