"""What the trainers know of a vocabulary: its size, its special ids and its value buckets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from trainers import stored
from trainers.config import BadSettings

FILE = "tokens.json"


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Ids without their words, as written beside encoded data and into every checkpoint."""

    size: int
    """Rows of the embedding: the words padded to a multiple of 64."""
    words: int
    """Ids below this are words or buckets; ids from here to `size` are padding and never sampled."""
    pad: int = 0
    bos: int = 1
    eos: int = 2
    value_start: int | None = None
    """The id of the first value bucket, or null where a notation has no values."""
    value_buckets: int = 0
    """Ids of values: the outer classes below 0, the farthest first; buckets over [0, 1]; those above 1."""
    value_outer: int = 0
    """Ordered classes beyond each end: a number 1 + j or -j (j = 1 ... value_outer) is the j-th of them."""

    def __post_init__(self) -> None:
        if not all(0 <= each < self.words for each in (self.pad, self.bos, self.eos)):
            raise BadSettings(
                f"the ids {self.pad}, {self.bos} and {self.eos} are not among a vocabulary's {self.words}"
            )
        if self.words > self.size:
            raise BadSettings(f"a vocabulary of {self.words} words does not fit into {self.size} rows")
        if not 0 <= (self.value_start or 0) <= self.size - self.value_buckets:
            raise BadSettings(f"values from {self.value_start} on do not fit into {self.size} rows")
        if (self.value_start is None) != (self.value_buckets == 0):
            raise BadSettings(
                f"value_start {self.value_start} contradicts {self.value_buckets} value buckets"
            )
        if self.value_outer < 0 or 0 < self.value_buckets < 2 * self.value_outer + 2:
            raise BadSettings(
                f"{self.value_buckets} value buckets leave no two of them between 0 and 1"
                f" beside {self.value_outer} outer classes on each side"
            )
        if self.value_outer and self.value_start is None:
            raise BadSettings(f"value_outer is {self.value_outer}, but there are no value buckets")

    @classmethod
    def read(cls, folder: Path) -> Tokens:
        """The tokens.json of encoded data or of a checkpoint; BadSettings when it is missing or spoilt."""
        path = folder / FILE
        if not path.is_file():
            raise BadSettings(f"{path} is missing: {folder} is neither encoded data nor a checkpoint of ours")
        found = stored.fields(path)
        names = [field.name for field in fields(cls)]
        unknown = ", ".join(sorted(set(found) - set(names)))[:100]
        if unknown or not {"size", "words"} <= set(found):
            raise BadSettings(f"{path} must hold {', '.join(names)}; unknown: {unknown or 'nothing'}")
        for name, value in found.items():
            if type(value) is not int and not (value is None and name == "value_start"):
                raise BadSettings(f"{path}: {name} must be a whole number, got {str(value)[:40]}")
        return cls(**found)

    def write(self, folder: Path) -> None:
        """Write tokens.json into a folder."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")
