"""The user's own positions: lines of FEN and EPD, games in PGN, puzzles of Lichess."""
