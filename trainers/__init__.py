"""Learning and sampling: token ids in, checkpoints and token ids out."""
