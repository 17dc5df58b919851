"""What moves, scores and answers are worth."""
