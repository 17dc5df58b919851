"""Words and ids: the only translator between the generators and the trainers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.domain import Domain
from generators.words import SPECIALS, UNKNOWN, codes, words
from pipeline import plain
from pipeline.errors import Refusal, brief
from pipeline.files import Json, write_json
from pipeline.recipe import domain_fields, domain_from

PAD, BOS, EOS = range(3)
MOST_BUCKETS = 2**16
FILE = "vocabulary.json"
COMPANIONS = (FILE, "tokens.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Vocabulary:
    """The words of a domain's notation behind `pad`, `bos` and `eos`; value buckets, if any, come last."""

    domain: Domain
    notation: str
    buckets: int = 0

    @cached_property
    def alphabet(self) -> tuple[str, ...]:
        """The notation's own words; their ids are their places plus three."""
        return self.domain.alphabet(self.notation)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word in the order of its id."""
        return (*SPECIALS, *self.alphabet, *self.values)

    @property
    def outer(self) -> int:
        """Classes of values beyond each end of the buckets."""
        return self.domain.outer_values if self.buckets else 0

    @property
    def values(self) -> tuple[str, ...]:
        """The return buckets from the lowest value to the highest, with the classes beyond on both sides."""
        beyond = range(1, self.outer + 1)
        within = (f"v{bucket}" for bucket in range(self.buckets))
        return (*(f"v-{at}" for at in reversed(beyond)), *within, *(f"v+{at}" for at in beyond))

    @property
    def size(self) -> int:
        """Ids in the model: the words, rounded up to a multiple of 64 for the matrix units."""
        return -(-len(self.words) // 64) * 64

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The narrowest type that holds an id."""
        return np.dtype(np.uint16 if self.size <= 2**16 else np.uint32)

    def ids(self, column: pl.Series) -> tuple[NDArray[np.unsignedinteger], NDArray[np.int64]]:
        """Flat ids and row offsets of a word column of this notation."""
        flat, offsets = codes(column, self.alphabet)
        if flat.size and flat.max() == UNKNOWN:
            known = set(self.alphabet)
            listed = column.explode().drop_nulls().cast(pl.String)
            strange = brief(next((word for word in listed if word not in known), "null"))
            raise Refusal(
                f"a row has the word '{strange}', which the vocabulary of {len(self.alphabet)} words of"
                f" {self.domain.name}/{self.notation} lacks: its problem is too large for this model"
            )
        return (flat + np.uint16(len(SPECIALS))).astype(self.dtype, copy=False), offsets

    def text(self, rows: Sequence[NDArray[np.integer]], name: str = "text") -> pl.Series:
        """Rows of ids as a column of words over the whole vocabulary."""
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = np.concatenate(rows) if len(rows) else np.zeros(0, np.uint16)
        return words(flat.astype(np.uint16), offsets, self.words, name)

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json`, `tokens.json` and the files of a Hugging Face tokenizer."""
        start = len(self.words) - len(self.values) if self.buckets else None
        write_json(
            folder / "tokens.json",
            {
                "size": self.size,
                "words": len(self.words),
                "pad": PAD,
                "bos": BOS,
                "eos": EOS,
                "value_start": start,
                "value_buckets": len(self.values),
                "value_outer": self.outer,
            },
        )
        _tokenizer(self.words).save_pretrained(folder)
        note: Json = {
            "domain": domain_fields(self.domain),
            "notation": self.notation,
            "buckets": self.buckets,
        }
        write_json(folder / FILE, {**note, "words": list(self.words)})

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """The vocabulary of an encoded data set or a checkpoint."""
        path = folder / FILE
        try:
            stored = plain.from_json(path.read_text())
            tree, notation, buckets = stored["domain"], stored["notation"], stored["buckets"]
        except (FileNotFoundError, NotADirectoryError):
            raise Refusal(f"{folder} is not a checkpoint of this project: it has no {FILE}") from None
        except (ValueError, KeyError, TypeError):
            raise Refusal(f"{path} cannot be read: it is no vocabulary of this project") from None
        if not isinstance(tree, dict) or type(buckets) is not int or not 0 <= buckets <= MOST_BUCKETS:
            raise Refusal(f"{path} cannot be read: it is no vocabulary of this project")
        made = cls(domain_from(tree), notation, buckets)
        if notation not in made.domain.notations:
            raise Refusal(f"{path} has the notation {brief(notation)}, which {made.domain.name} has not")
        if list(made.words) != stored.get("words"):
            raise Refusal(
                f"{path} has other words than {stored['domain']['name']}/{stored['notation']} has today"
            )
        return made


def _tokenizer(words: Sequence[str]) -> Any:
    """A word-level Hugging Face tokenizer; transformers is slow to import, so it is imported here alone."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="pad"))
    plain.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain,
        bos_token="bos",
        eos_token="eos",
        pad_token="pad",
        clean_up_tokenization_spaces=False,
    )
