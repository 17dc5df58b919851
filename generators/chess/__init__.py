"""Chess positions labelled by Stockfish."""
