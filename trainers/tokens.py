"""What the trainers know of a vocabulary: its size, its special ids and its value buckets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

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
        if self.words > self.size:
            raise BadSettings(f"a vocabulary of {self.words} words does not fit into {self.size} rows")
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
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            raise BadSettings(
                f"{path} is missing: {folder} is neither encoded data nor a checkpoint of ours"
            ) from None
        except json.JSONDecodeError as fault:
            raise BadSettings(f"{path} is not readable: {fault}") from None
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(found) - set(names)) if isinstance(found, dict) else ["(not an object)"]
        if unknown or not {"size", "words"} <= set(found):
            raise BadSettings(
                f"{path} must hold {', '.join(names)}; unknown: {', '.join(unknown) or 'nothing'}"
            )
        return cls(**found)

    def write(self, folder: Path) -> None:
        """Write tokens.json into a folder."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")
