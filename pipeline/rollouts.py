"""Sample, verify, write: what bootstrap, evaluate and solve share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.domain import Domain
from pipeline.errors import Refusal
from pipeline.identity import keys, response_hashes
from pipeline.seeds import named_rng, named_seed
from pipeline.vocabulary import BOS, EOS, Vocabulary
from trainers.config import Sampling

GREEDY = -1
"""The sample number of the greedy response."""

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Student:
    """A checkpoint that answers problems of its domain in its notation."""

    folder: Path

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words it knows."""
        return Vocabulary.load(self.folder)

    @cached_property
    def model(self) -> Any:
        """The loaded weights."""
        from trainers.model import load

        return load(self.folder)

    @cached_property
    def hash(self) -> str:
        """A hash of configuration and weights."""
        from trainers.checkpoint import content_hash

        return content_hash(self.folder)

    def prompts(self, problems: pl.DataFrame) -> list[NDArray[Any]]:
        """The ids that ask each problem, from `bos` on."""
        domain, notation = self.vocabulary.domain, self.vocabulary.notation
        asked = domain.write(problems, notation, named_rng(0, "prompts"))["prompt"]
        flat, offsets = self.vocabulary.ids(asked)
        first = np.array([BOS], flat.dtype)
        return [np.concatenate([first, flat[a:b]]) for a, b in pairwise(offsets)]

    def require_room(self, problems: pl.DataFrame) -> None:
        """Refuse prompts that leave the model no room for an answer."""
        context = self.model.config.max_position_embeddings
        longest = max(len(prompt) for prompt in self.prompts(problems))
        if longest >= context:
            raise Refusal(
                f"{self.folder} has a context of {context} tokens,"
                f" but a problem takes {longest} before any answer"
            )

    def answer(
        self,
        problems: pl.DataFrame,
        samples: int,
        sampling: Sampling,
        seed: int,
        advance: Advance | None = None,
    ) -> pl.DataFrame:
        """Judged responses to problems (rows of a data set), in the order of problem and sample.

        Gives `problem` (row of `problems`), `sample`, `ids`, `text`, `trace`, `answer`, `ended`, `logprobs`,
        `trace_words`, `temperature`, the columns of the judgement and the problem's own id and cost.
        """
        if self.vocabulary.buckets:
            drawn = self._decide(problems)
        else:
            drawn = self._sample(problems, samples, sampling, seed, advance)
        asked = problems[drawn["problem"].to_numpy()]
        judged = self.vocabulary.domain.check(asked, drawn)
        return pl.concat([drawn, judged, asked.select("problem_id", "split_key", "cost")], how="horizontal")

    def _sample(
        self, problems: pl.DataFrame, samples: int, sampling: Sampling, seed: int, advance: Advance | None
    ) -> pl.DataFrame:
        from trainers.sampler import sample
        from trainers.tokens import Tokens

        drawn = sample(
            self.model,
            self.prompts(problems),
            keys(problems["problem_id"]),
            samples,
            sampling,
            Tokens.read(self.folder),
            named_seed(seed, "rollouts") % 2**63,
            advance,
        )
        ids = [np.asarray(row, np.uint32) for row in drawn.ids]
        whole = [
            np.append(row, np.uint32(EOS)) if end else row for row, end in zip(ids, drawn.ended, strict=True)
        ]
        frame = pl.DataFrame(
            {
                "problem": np.asarray(drawn.prompt, np.int64),
                "sample": np.asarray(drawn.sample, np.int32) if sampling.temperature > 0 else GREEDY,
                "temperature": sampling.temperature,
                "ended": np.asarray(drawn.ended, bool),
                "logprobs": pl.Series(list(drawn.logprobs), dtype=pl.List(pl.Float32)),
                "ids": pl.Series(whole, dtype=pl.List(pl.UInt32)),
                "text": self.vocabulary.text(ids),
            }
        )
        domain, notation = self.vocabulary.domain, self.vocabulary.notation
        restored = domain.restore(frame.with_columns(response="text"), notation).drop("response")
        return restored.with_columns(trace_words=pl.col("trace").list.len().cast(pl.Int32))

    def _decide(self, problems: pl.DataFrame) -> pl.DataFrame:
        """The answers of a model that scores candidates; there is nothing to sample."""
        from trainers.scorer import score
        from trainers.tokens import Tokens

        domain, vocabulary = self.vocabulary.domain, self.vocabulary
        offered = domain.candidates(problems, vocabulary.notation)["candidates"]
        flat, offsets = vocabulary.ids(offered.explode(empty_as_null=False))
        pieces = iter([flat[a:b] for a, b in pairwise(offsets)])
        options: list[list[NDArray[Any]]]
        options = [list(islice(pieces, count)) for count in offered.list.len()]
        scores = score(self.model, self.prompts(problems), options, Tokens.read(self.folder))
        listed = pl.Series("scores", [row.tolist() for row in scores], pl.List(pl.Float32))
        answers = domain.decide(problems, listed)
        return answers.with_columns(
            problem=pl.int_range(len(problems), dtype=pl.Int64),
            sample=pl.lit(GREEDY, pl.Int32),
            temperature=pl.lit(0.0),
            ended=pl.lit(True),
            logprobs=pl.lit(None, pl.List(pl.Float32)),
            ids=pl.lit(None, pl.List(pl.UInt32)),
            text=pl.lit(None, pl.List(pl.String)),
            trace=pl.lit(None, pl.List(pl.String)),
            trace_words=pl.lit(None, pl.Int32),
        )


def greedily(sampling: Sampling) -> Sampling:
    """The same settings without chance."""
    return replace(sampling, temperature=0.0, top_k=0, top_p=1.0)


def stored_hashes(rows: pl.DataFrame, domain: Domain) -> list[str]:
    """The response hashes of rows in the stored form."""
    return response_hashes(rows, domain.alphabet(domain.notations[0]))
