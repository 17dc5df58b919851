"""The user's own problems: English records and Prolog files."""
