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

SCORES = pl.List(pl.Float32)

Advance = Callable[[int], None]
Ids = NDArray[Any]


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
        """The loaded weights, on the device of this process."""
        from trainers.device import on, own
        from trainers.model import load

        return on(own(), load(self.folder))

    @cached_property
    def hash(self) -> str:
        """A hash of configuration and weights."""
        from trainers.checkpoint import content_hash

        return content_hash(self.folder)

    @property
    def samples(self) -> bool:
        """Whether it writes responses, of which several can be drawn; otherwise it rates candidates."""
        return not self.vocabulary.buckets

    def prompts(self, problems: pl.DataFrame) -> list[Ids]:
        """The ids that ask each problem, from `bos` on."""
        domain, notation = self.vocabulary.domain, self.vocabulary.notation
        return self._asking(domain.write(problems, notation, named_rng(0, "prompts"))["prompt"])

    def _asking(self, prompts: pl.Series) -> list[Ids]:
        flat, offsets = self.vocabulary.ids(prompts)
        first = np.array([BOS], flat.dtype)
        return [np.concatenate([first, flat[a:b]]) for a, b in pairwise(offsets)]

    def require_room(self, problems: pl.DataFrame) -> None:
        """Refuse a model of other ids than its words have, and prompts that leave no room for an answer."""
        from trainers.model import fits
        from trainers.tokens import Tokens

        fits(self.model, Tokens.read(self.folder))
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
        if self.samples:
            drawn = self._sample(problems, samples, sampling, seed, advance)
        else:
            drawn = self._decided(problems)
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
        scores = pl.Series("scores", [None] * len(problems), pl.List(pl.Float32))
        if notation in domain.choice_notations:
            scores = self.decisions(problems)["scores"]
        return restored.with_columns(
            scores[restored["problem"].to_numpy()],
            trace_words=pl.col("trace").list.len().cast(pl.Int32),
        )

    def _decided(self, problems: pl.DataFrame) -> pl.DataFrame:
        """The answers of a model that rates candidates; there is nothing to sample."""
        nothing: dict[str, pl.DataType] = {
            "logprobs": pl.List(pl.Float32),
            "ids": pl.List(pl.UInt32),
            "text": pl.List(pl.String),
            "trace": pl.List(pl.String),
            "trace_words": pl.Int32(),
        }
        return self.decisions(problems).with_columns(
            problem=pl.int_range(len(problems), dtype=pl.Int64),
            sample=pl.lit(GREEDY, pl.Int32),
            temperature=pl.lit(0.0),
            ended=pl.lit(True),
            **{name: pl.lit(None, kind) for name, kind in nothing.items()},
        )

    def decisions(self, problems: pl.DataFrame) -> pl.DataFrame:
        """What the model chooses among the candidates of each problem: `answer`, and `scores` of all choices.

        A model that writes a search before its answer writes it first, greedily; its candidates are then
        ranked behind it by their probabilities, as those of a choice notation are.
        """
        from trainers.scorer import preferences, score
        from trainers.tokens import Tokens

        domain, vocabulary = self.vocabulary.domain, self.vocabulary
        offered = domain.candidates(problems, vocabulary.notation)
        prompts = self._asking(offered["prompt"])
        options = self._options(offered["candidates"])
        if vocabulary.buckets:
            rated = score(self.model, prompts, options, Tokens.read(self.folder))
        else:
            if vocabulary.notation not in domain.choice_notations:
                prompts = self._searched(problems, prompts)
            ranked = [[int(option[0]) for option in row] for row in options]
            rated = preferences(self.model, prompts, ranked)
        listed = pl.DataFrame(
            {"row": offered["row"], "scores": pl.Series([row.tolist() for row in rated], dtype=SCORES)}
        )
        whole = pl.DataFrame({"row": pl.int_range(len(problems), eager=True)}).join(
            listed.group_by("row").agg(pl.col("scores").explode(empty_as_null=False)),
            on="row",
            how="left",
            maintain_order="left",
        )
        return domain.decide(problems, whole["scores"].fill_null([]), vocabulary.notation)

    def _options(self, candidates: pl.Series) -> list[list[Ids]]:
        flat, offsets = self.vocabulary.ids(candidates.explode(empty_as_null=False))
        pieces = iter([flat[a:b] for a, b in pairwise(offsets)])
        return [list(islice(pieces, count)) for count in candidates.list.len()]

    def _searched(self, problems: pl.DataFrame, prompts: list[Ids]) -> list[Ids]:
        """Prompts with the model's own search behind them, up to its answer; without one that has no end."""
        sampling = Sampling(temperature=0.0, deterministic=True)
        drawn = self._sample(problems, 1, sampling, 0, None)
        found = []
        for prompt, ids, answer, ended in zip(
            prompts, drawn["ids"].to_list(), drawn["answer"].to_list(), drawn["ended"], strict=True
        ):
            search = ids[: len(ids) - 1 - len(answer)] if ended else []
            found.append(np.concatenate([prompt, np.array(search, prompt.dtype)]))
        return found


def greedily(sampling: Sampling) -> Sampling:
    """The same settings without chance."""
    return replace(sampling, temperature=0.0, top_k=0, top_p=1.0)


def stored_hashes(rows: pl.DataFrame, domain: Domain) -> list[str]:
    """The response hashes of rows in the stored form."""
    return response_hashes(rows, domain.alphabet(domain.notations[0]))
