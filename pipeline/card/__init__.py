"""The data card: the README.md of a data set, in the form that the Hugging Face hub reads."""

from pipeline.card.answered import answered_card
from pipeline.card.made import curated_card, drawn_card, round_card

__all__ = ["answered_card", "curated_card", "drawn_card", "round_card"]
