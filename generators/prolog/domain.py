"""The Prolog domain: logic theories, SWI-Prolog as their teacher, a verifier that replays its searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import polars as pl

from generators.domain import BadProblem, Domain, Form, Hung
from generators.prolog.alphabet import (
    ANSWERS,
    COUNT_COLUMNS,
    FAMILIES,
    FEATURE_COLUMNS,
    FRAME,
    MODES,
    NOTATIONS,
    VOCABULARIES,
    Family,
    Mode,
    Vocabulary,
    Words,
)
from generators.words import Codes, Offsets, codes, word_type, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from generators.prolog.reading.sources import Read
    from generators.prolog.sampling.sampling import Shape
    from generators.prolog.theory import Theories

# Methods import what is compiled, and the engine, when they are called: a recipe names this class.

Order = Literal["stated", "shuffled"]

LABELS = ANSWERS[:-1]
SOLVED = ("label", "events")
"""What the teacher adds."""
DRAWS = ("draws", "contradictory", "missed")
"""What is counted between two accepted problems; `draws` has all theories tried in it."""


@dataclass(frozen=True, kw_only=True)
class Prolog(Domain):
    """Theories of facts and rules with a question; `generators/prolog/README.md` defines words and searches.

    After LoGiPT (arXiv 2311.06158), ProofWriter (arXiv 2012.13048) and PrOntoQA (arXiv 2210.01240).
    """

    mode: Mode = "backward"
    """The teacher's search: backward chaining from the question, or forward to the fixpoint, as in LoGiPT."""
    order: Order = "stated"
    """The order in which the teacher tries facts and rules: as stated, or shuffled for each problem."""
    steps: int = 20_000
    """Events after which a search is cut; its row is refused."""
    vocabulary: Vocabulary = "proofwriter"
    """Whose names the words are: ProofWriter's and RuleTaker's, PrOntoQA's, or invented ones alone."""
    invented: float = 0.0
    """The share of problems whose names are invented; words stand for them."""
    pool: int = 0
    """Drawn problems take names from the first so many words of each role; 0 takes all of them."""
    families: tuple[Family, ...] = ("AttNeg", "RelNeg")
    """Attributes or relations, with or without negation, in equal shares; `Chain` is PrOntoQA's ontology."""
    answers: tuple[str, ...] = LABELS
    """The answers that drawn problems have, in equal shares."""
    depth_from: int = 0
    """The fewest rule layers under an answer; if it is unknown, under the theory's deepest literal."""
    depth_to: int = 5
    entities_from: int = 4
    entities_to: int = 4
    facts_from: int = 7
    facts_to: int = 16
    rules_from: int = 5
    rules_to: int = 9
    longest_body: int = 2
    """Bodies have from one literal up to this many."""
    variable: float = 0.8
    """The share of rules about a variable in place of an entity, as in RuleTaker."""
    second_variable: float = 0.15
    """Of those in relation families, the share that has two."""
    relation: float = 0.7
    """The share of relations among the literals of relation families, as in RuleTaker."""
    negative: float = 0.3
    """The share of negative literals in families with negation."""
    largest_facts: int = 32
    """The most facts that the vocabulary can number."""
    largest_rules: int = 32
    """The most rules likewise."""

    name: ClassVar[str] = "prolog"
    example: ClassVar[str] = "big(bob).\nkind(X) :- big(X), -sad(X).\n-sad(bob).\n?- kind(bob).\n"
    notations: ClassVar[tuple[str, ...]] = NOTATIONS
    abridged_notations: ClassVar[tuple[str, ...]] = ("without-fail",)
    columns: ClassVar[Mapping[str, pl.DataType]] = {
        "family": pl.Enum((*FAMILIES, "own")),
        "depth": pl.Int32(),
        "polarity": pl.UInt8(),
        "entities": pl.UInt16(),
        **dict.fromkeys(COUNT_COLUMNS, pl.UInt16()),
        **dict.fromkeys(FEATURE_COLUMNS, pl.Boolean()),
        **dict.fromkeys(DRAWS, pl.Int32()),
        "given": pl.Enum(LABELS),
        "source_id": pl.String(),
        "names": pl.List(pl.String()),
        "label": pl.Enum(ANSWERS),
        "events": pl.Int32(),
    }
    """Of the problem; what was drawn since the row before (null for problems not drawn); of the user's own
    problems the label that came with them, where they stood and their names; then the teacher's answer."""
    taught: ClassVar[tuple[str, ...]] = SOLVED

    def __post_init__(self) -> None:
        for field, found, options in (
            ("mode", (self.mode,), MODES),
            ("order", (self.order,), ("stated", "shuffled")),
            ("vocabulary", (self.vocabulary,), VOCABULARIES),
            ("families", self.families, FAMILIES),
            ("answers", self.answers, LABELS),
        ):
            _one_of(field, found, options)
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        if not 0 <= self.invented <= 1:
            raise ValueError(f"invented must be a share from 0 to 1, got {self.invented}")
        for noun, least, low, high in (
            ("depth", 0, self.depth_from, self.depth_to),
            ("facts", 1, self.facts_from, self.facts_to),
            ("rules", 0, self.rules_from, self.rules_to),
        ):
            if not least <= low <= high:
                raise ValueError(f"{noun}_from {low} and {noun}_to {high} must ascend from at least {least}")
        self._refuse_impossible_shapes()

    def _refuse_impossible_shapes(self) -> None:
        for noun, high, most in (
            ("facts", self.facts_to, self.largest_facts),
            ("rules", self.rules_to, self.largest_rules),
        ):
            if high > most:
                raise ValueError(f"{noun}_to {high} is above largest_{noun} {most}")
        if self.depth_to > self.rules_to:
            raise ValueError(f"depth_to {self.depth_to} needs as many rules, rules_to is {self.rules_to}")
        if "Chain" in self.families and "unknown" in self.answers:
            raise ValueError("the family Chain has the answers true and false alone; set answers to both")

    @property
    def words(self) -> Words:
        """The stored alphabet with the places of its parts."""
        return Words(self.vocabulary, self.largest_facts, self.largest_rules)

    def alphabet(self, notation: str) -> tuple[str, ...]:
        """Polarities, names, variables, numbers of clauses, events and frame; English words for `natural`."""
        from generators.prolog.notations import notation as notations

        if notation not in self.notations:
            raise BadProblem(
                f"theories have no notation '{notation}'; they have: {', '.join(self.notations)}"
            )
        return notations.alphabet(self.words, notation, self.mode)

    def problems(self, rng: np.random.Generator, rows: int) -> pl.DataFrame:
        """Theories drawn evenly over answer, depth, polarity and family. May raise BadProblem."""
        from generators import chance
        from generators.prolog.sampling import sampling

        drawn = sampling.sample(chance.states(rng, 1)[0], rows, self._shape)
        own = {name: getattr(drawn, name) for name in DRAWS}
        family = [self.families[at] for at in drawn.family]
        return self._problems(drawn.theories, {"family": family, **own})

    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        """SWI-Prolog on every problem; an answer `limit` where the search was cut. Raises Hung."""
        from generators.prolog.swi import teacher

        theories = self._theories(problems)
        order = rng if self.order == "shuffled" else None
        solved = teacher.solve(theories, self.words, self.mode, self.steps, order)
        if solved.hung.any():
            raise self._hung(problems, np.flatnonzero(solved.hung).tolist())
        alphabet = self.words.alphabet
        labels = pl.Series("label", [ANSWERS[at] for at in solved.answer], pl.Enum(ANSWERS))
        return problems.with_columns(
            words(solved.codes, solved.offsets, alphabet, "trace"),
            words(*self._answers(solved.answer), alphabet, "answer"),
            pl.col("depth").alias("cost"),
            pl.Series("trace_words", np.diff(solved.offsets).astype(np.int32)),
            pl.lit(None, pl.Float64).alias("choice_bits"),
            labels,
            pl.Series("events", solved.events, pl.Int32),
        )

    def read(self, source: str) -> pl.DataFrame:
        """ProofWriter and PrOntoQA records in English, or a Prolog file (`generators.prolog.reading`)."""
        from generators.prolog.reading import sources

        found = sources.read(source, self.words, self.invented > 0)
        self._refuse_contradictions(found)
        return self._problems(
            found.theories, {"given": found.given, "source_id": found.ids, "names": found.names}
        )

    def recall(self, prompts: pl.Series, notation: str) -> pl.DataFrame:
        """The problems of prompts; what came with a user's own ones is not told by prompts."""
        from generators.prolog import stated
        from generators.prolog.notations import notation as notations

        told = codes(prompts, self.alphabet(notation))
        stored = notations.stored_prompt(told, self.words, notation, self.mode)
        return self._problems(stated.parsed(*stored, self.words), {})

    def write(
        self,
        rows: pl.DataFrame,
        notation: str,
        rng: np.random.Generator,  # noqa: ARG002  (no trace is thinned)
    ) -> pl.DataFrame:
        """`prompt` and `response`; rows without an `answer` give prompts alone."""
        from generators.prolog.notations import notation as notations
        from generators.splicing import nullable_words

        alphabet = self.alphabet(notation)
        told = notations.written_prompt(self._codes(rows["prompt"]), self.words, notation, self.mode)
        prompt = nullable_words(*told, alphabet, "prompt")
        if "answer" not in rows.columns:
            return pl.DataFrame([prompt])
        trace, answer = self._codes(rows["trace"]), self._codes(rows["answer"])
        response = notations.written_response(trace, answer, self.words, notation, self.mode)
        return pl.DataFrame([prompt, nullable_words(*response, alphabet, "response")])

    def restore(self, responses: pl.DataFrame, notation: str) -> pl.DataFrame:
        """All before the first `answer` is the trace; a word of no search becomes a null within its list."""
        from generators.prolog.notations import notation as notations
        from generators.splicing import nullable_words

        stored = self.words.alphabet
        told = codes(responses["response"], self.alphabet(notation))
        trace, answer = notations.stored_response(told, self.words, notation, self.mode)
        missing = pl.Series("trace", [None] * len(responses), dtype=word_type(stored))
        return responses.with_columns(
            missing if notation == "solution" else nullable_words(*trace, stored, "trace"),
            nullable_words(*answer, stored, "answer"),
        )

    def check(self, problems: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
        """Answers by the forward closure, traces by replay; neither asks Prolog."""
        from generators.prolog.verification import verifier

        whole = pl.repeat(True, len(responses), dtype=pl.Boolean, eager=True)
        return verifier.judge(
            self._theories(problems),
            self._codes(responses["trace"]),
            self._codes(responses["answer"]),
            self.words,
            self.mode,
            ended=responses["ended"].fill_null(False) if "ended" in responses.columns else whole,
            replayable=responses["trace"].is_not_null(),
        )

    def measures(self, rollouts: pl.DataFrame, notation: str) -> pl.DataFrame:  # noqa: ARG002
        """Accuracy by depth and by answer."""
        from generators.prolog import facts

        return facts.measures(rollouts)

    def unfit(self, rows: pl.DataFrame) -> pl.Series:
        """A search that was cut has no answer."""
        cut = pl.when(pl.col("label") == "limit").then(pl.lit("limit of steps reached"))
        return rows.select(cut.alias("unfit")).to_series()

    def remarks(self, rows: pl.DataFrame) -> list[str]:
        """Of the user's own problems those without an answer, and labels that the teacher does not share."""
        own = rows.filter(pl.col("source_id").is_not_null()).select("source_id", "given", "label")
        said = []
        for where, given, label in own.iter_rows():
            if label == "limit":
                said.append(f"{where}: not answered, the search reached its limit of {self.steps:,} steps")
            elif given is not None and given != label:
                said.append(f"{where}: the label that came with it is {given}, the teacher says {label}")
        return said

    def baselines(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Chance, majority, polarity alone and shallow features, with what these must give."""
        from generators.prolog import facts

        return facts.baselines(rows)

    def repeatable(self) -> bool:
        """Unless clauses are shuffled."""
        return self.order == "stated"

    def randomized(self) -> Self:
        """The same theories under shuffled clauses."""
        return replace(self, order="shuffled")

    def identity(self) -> Mapping[str, str]:
        """SWI-Prolog's version. Raises BadProblem where there is none."""
        from generators.prolog.swi import engine

        return {"swi-prolog": engine.version()}

    def view(self, row: Mapping[str, Any], form: Form) -> str:
        """The theory, its question and the derivation (`generators.prolog.drawing`)."""
        from generators.prolog.drawing import view as drawing

        return drawing.view(row, self.words, self.mode, form)

    def difficulties(self, problems: pl.DataFrame) -> pl.DataFrame:
        """Proof depth, answer, kind and size of the theory, as far as they are known."""
        from generators.prolog import view

        return view.difficulties(problems)

    def cuts(self, row: Mapping[str, Any]) -> list[int]:
        """A step begins at the word of every event."""
        from generators.prolog import view

        return view.cuts(row)

    def scene(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Facts, rules and question with their names."""
        from generators.prolog import view

        return view.scene(row, self.words, self.mode)

    def play(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The derivation as it grows and backtracks, step by step."""
        from generators.prolog import view

        return view.play(row, self.words, self.mode)

    def frame(self, row: Mapping[str, Any], step: int) -> str:
        """The derivation after so many steps, the line of the last one marked."""
        from generators.prolog import view

        return view.frame(row, step, self.words, self.mode)

    @property
    def _shape(self) -> Shape:
        from generators.prolog.sampling.sampling import Shape

        return Shape(
            words=self.words,
            families=self.families,
            answers=self.answers,
            invented=self.invented,
            depths=(self.depth_from, self.depth_to),
            entities=(self.entities_from, self.entities_to),
            facts=(self.facts_from, self.facts_to),
            rules=(self.rules_from, self.rules_to),
            longest_body=self.longest_body,
            variable=self.variable,
            second_variable=self.second_variable,
            relation=self.relation,
            negative=self.negative,
            pool=self.pool,
        )

    def _codes(self, series: pl.Series) -> tuple[Codes, Offsets]:
        return codes(series, self.words.alphabet)

    def _answers(self, answers: NDArray[np.int8]) -> tuple[Codes, Offsets]:
        """The two words of each answer."""
        told = self.words
        values = np.array([*range(told.answers, told.answers + 3), told.event("limit")], np.uint16)
        both = np.full((len(answers), 2), told.frame + FRAME.index("answer"), np.uint16)
        both[:, 1] = values[answers]
        return both.ravel(), 2 * np.arange(len(answers) + 1, dtype=np.int64)

    def _theories(self, problems: pl.DataFrame) -> Theories:
        from generators.prolog import stated

        return stated.parsed(*self._codes(problems["prompt"]), self.words)

    def _problems(self, theories: Theories, own: Mapping[str, Any]) -> pl.DataFrame:
        """Rows of theories; columns that `own` does not have are null."""
        from generators.prolog import canonical, closure, entities, features, stated

        closures = closure.closures(theories, self.words)
        seen, counted = features.features(theories), features.counts(theories)
        known: dict[str, Any] = {
            "family": ["own"] * len(theories),
            "depth": closures.depth,
            "polarity": theories.questions[:, 0].astype(np.uint8),
            "entities": np.diff(entities.entities(theories)[1]),
            **{name: seen[:, at] for at, name in enumerate(FEATURE_COLUMNS)},
            **{name: counted[:, at] for at, name in enumerate(COUNT_COLUMNS)},
            **own,
        }
        nothing = [None] * len(theories)
        columns = [
            pl.Series(name, known.get(name, nothing)).cast(kind)
            for name, kind in self.columns.items()
            if name not in SOLVED
        ]
        keys = {
            "problem_id": canonical.problem_ids(theories, self.words),
            "split_key": canonical.theory_hashes(theories, self.words),
        }
        prompt = words(*stated.prompts(theories, self.words), self.words.alphabet, "prompt")
        frame = pl.DataFrame(keys, schema_overrides=dict.fromkeys(keys, pl.String))
        return frame.with_columns(prompt, *columns)

    def _refuse_contradictions(self, found: Read) -> None:
        from generators.prolog import closure

        wrong = np.flatnonzero(closure.closures(found.theories, self.words).contradictory)
        if wrong.size:
            more = f" ({wrong.size} of {len(found.ids)} theories do)" if wrong.size > 1 else ""
            raise BadProblem(
                f"{found.ids[wrong[0]]}: the theory contradicts itself, it derives a literal and its"
                f" complement{more}"
            )

    def _hung(self, problems: pl.DataFrame, rows: Sequence[int]) -> Hung:
        """Names the first problem by its place in the source, or by its id."""
        first = problems.row(rows[0], named=True)
        where = first.get("source_id") or first["problem_id"]
        return Hung(
            rows,
            f"SWI-Prolog gave no reply to problem {where}, twice ({len(rows)} problems of the shard);"
            " `distill generate --skip-hung` leaves such problems out, and marks the data set as not"
            " reproducible",
        )


def _one_of(field: str, found: Sequence[str], options: Sequence[str]) -> None:
    strange = [each for each in found if each not in options]
    if strange or not found or len(set(found)) < len(found):
        got = f"'{strange[0]}'" if strange else f"{list(found)}"
        raise ValueError(f"{field} must be of {', '.join(options)}, each once; got {got}")
