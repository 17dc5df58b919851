"""Students at the board: a UCI engine for chess programs, and matches against other players."""
