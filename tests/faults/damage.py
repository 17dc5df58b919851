"""Finished files that are damaged, one at a time: who reads them names the file, and what it says helps."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path

from faults.command import Ended, distill, inside
from faults.sameness import difference
from faults.trial import Scale, Trial
from faults.whole import command, stages, whole
from pipeline.artifact import is_note
from pipeline.files import file_hash

HARMS: dict[str, Callable[[bytes], bytes | None]] = {
    "its first byte flipped": lambda content: _flipped(content, 0),
    "its middle byte flipped": lambda content: _flipped(content, len(content) // 2),
    "its last byte flipped": lambda content: _flipped(content, len(content) - 1),
    "cut to nothing": lambda _: b"",
    "cut in half": lambda content: content[: len(content) // 2],
    "with bytes behind its end": lambda content: content + b"more",
    "deleted": lambda _: None,
}
TRIALS = {"small": 6, "full": 100}
KINDS = (
    "generate/*/data/*.parquet",
    "curate/*/data/train-*.parquet",
    "curate/*/data/test-*.parquet",
    "encode/*/ids/*.npy",
    "encode/*/ids/vocabulary.json",
    "encode/*/ids/tokenizer.json",
    "train/*/best/model.safetensors",
    "train/*/best/config.json",
    "train/*/best/vocabulary.json",
    "train/*/best/tokenizer.json",
    "train/*/best/tokens.json",
    "train/*/last/model.safetensors",
    "train/*/last/state.ckpt",
    "bootstrap/*/rounds.json",
    "bootstrap/*/*/round-1/data/data/*.parquet",
    "bootstrap/*/*/round-1/ids/ids/*.npy",
    "bootstrap/*/*/round-1/checkpoint/last/model.safetensors",
    "bootstrap/*/*/round-1/checkpoint/last/vocabulary.json",
    "bootstrap/*/*/round-1/evaluation/rollouts.parquet",
    "bootstrap/*/*/round-1/checkpoint/manifest.json",
    "evaluate/*/rollouts.parquet",
    "evaluate/*/teacher.parquet",
    "evaluate/*/metrics.json",
    "report/*/report.html",
    "*/*/pictures/*.svg",
    "*/*/manifest.json",
    "*/*/.written/**/*.json",
)
"""What stands in a tree of artifacts, by patterns; a trial draws a file of each in turn."""


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@dataclass(frozen=True)
class Victim:
    """A file of a copied tree, and the commands that may read it."""

    scale: Scale
    tree: Path
    name: str

    @property
    def path(self) -> Path:
        """Where it stands."""
        return self.tree / self.name

    @property
    def stage(self) -> str:
        """Whose file it is."""
        return self.name.partition("/")[0]

    @property
    def artifact(self) -> Path:
        """The artifact that it is part of."""
        return self.tree / "/".join(self.name.split("/")[:2])

    def make(self, stage: str) -> Ended:
        """Make a stage in the tree; in a process of its own if this one has threads: sums depend on them."""
        words, here = command(stage, whole(self.scale)[0]), self.tree.parent
        alone = os.environ.get("OMP_NUM_THREADS") == "1" or stage in ("generate", "curate", "encode")
        return inside(words, here)[0] if alone else distill(words, here=here)

    @cached_property
    def following(self) -> str | None:
        """The stage that reads the file's."""
        after = {"generate": "curate", "curate": "encode", "encode": "train", "evaluate": "report"}
        if "/last/" in self.name and self.stage == "train" and "bootstrap" in stages(self.scale):
            return "bootstrap"
        if self.stage in ("train", "bootstrap"):
            return "evaluate"
        return after.get(self.stage)

    def looks(self, page: Path) -> Iterator[list[str]]:
        """Commands that only read; a page or a folder that one of them writes begins with `page`."""
        yield ["inspect", str(self.artifact)]
        yield ["status", str(self.artifact)]
        yield ["report", str(self.artifact), f"--to={page}.html"]
        if self.stage == "evaluate":
            yield ["compare", str(self.artifact), str(self.artifact), "--rule=sampled"]
            yield ["results", str(self.artifact)]
        if self.path.parent.name in ("best", "last") and "/.written/" not in self.name:
            at = str(self.path.parent)
            yield ["inspect", at]
            yield ["export", f"--checkpoint={at}", f"--to={page}"]
            maze = "\n".join(("#######", "#S...G#", "#.....#", "#.....#", "#.....#", "#.....#", "#######"))
            yield ["solve", f"--checkpoint={at}", f"--problem={maze}"]


def damaged(seed: int, scale: Scale, folder: Path) -> Iterator[Trial]:
    """A file of each kind in turn, harmed in one of the ways."""
    rng = random.Random(f"{seed} damage")
    wanted = whole(scale)[1] / "artifacts"
    kinds = [files for kind in KINDS if (files := sorted(wanted.glob(kind)))]
    drawn = list(dict.fromkeys(_drawn(rng, kinds, wanted, TRIALS[scale] * 2)))[: TRIALS[scale]]
    for at, (name, harm) in enumerate(drawn):
        tree = folder / str(at) / "artifacts"
        shutil.copytree(wanted, tree)
        yield Trial(f"{name}, {harm}", _lost(Victim(scale, tree, name), harm, folder / "page"))
        shutil.rmtree(tree.parent)


def _drawn(
    rng: random.Random, kinds: list[list[Path]], wanted: Path, count: int
) -> Iterator[tuple[str, str]]:
    order = rng.sample(kinds, len(kinds))
    for at in range(count):
        path = rng.choice(order[at % len(order)])
        yield path.relative_to(wanted).as_posix(), rng.choice(list(HARMS))


def _lost(victim: Victim, harm: str, page: Path) -> str | None:
    """Let every reader read it, each on its own; then do as the last one said."""
    content = HARMS[harm](victim.path.read_bytes())
    if content is None:
        victim.path.unlink()
    else:
        victim.path.write_bytes(content)
    advice = ""
    for words in victim.looks(page):
        before = _standing(victim.tree)
        ended, printed = inside(words, victim.tree.parent)
        made = [path for path in (page, page.with_suffix(".html")) if path.exists()]
        fault = _untold(victim, ended, printed, words)
        if ended.code and made:
            fault = fault or f"{made[0].name} was written all the same"
        if _standing(victim.tree) != before:
            fault = fault or "the tree was changed"
        _clear(page)
        if fault:
            return f"`{' '.join(words)[:60]}`: {fault}"
        advice = ended.sentence if ended.code else advice
    return _followed(victim, advice)


def _untold(victim: Victim, ended: Ended, printed: str, words: list[str]) -> str | None:
    """What is wrong with how a reader took it: it names the file, or says what it says of a whole one."""
    if ended.code == 0:
        said = _whole_said(victim.scale, victim.name, tuple(_renamed(word, victim) for word in words))
        same = _plain(printed, victim.tree.parent) == said or victim.path.name in ended.said + printed
        return None if same else "it took the damaged file for whole"
    if ended.fault:
        return ended.fault
    return None if victim.path.name in ended.said else f"the file is not named: {ended.sentence}"


def _renamed(word: str, victim: Victim) -> str:
    return word.replace(str(victim.tree.parent), str(whole(victim.scale)[1]))


@cache
def _whole_said(scale: Scale, name: str, words: tuple[str, ...]) -> str:
    """What a command prints of the undamaged tree."""
    for word in words:
        if word.startswith("--to="):
            _clear(Path(word.removeprefix("--to=")).with_suffix(""))
    ended, printed = inside(list(words), whole(scale)[1])
    assert ended.code == 0, (name, ended.said)
    return _plain(printed, whole(scale)[1])


def _plain(printed: str, folder: Path) -> str:
    return re.sub(r"\s+", "", printed.replace(str(folder), ""))


def _clear(page: Path) -> None:
    page.with_suffix(".html").unlink(missing_ok=True)
    shutil.rmtree(page, ignore_errors=True)


def _followed(victim: Victim, advice: str) -> str | None:
    """The next stage refuses with advice, or mends by itself; after what was advised all is as it was."""
    tree, wanted = victim.tree, whole(victim.scale)[1] / "artifacts"
    if victim.following is not None:
        shutil.rmtree(tree / victim.following)
        before = _standing(tree)
        ended = victim.make(victim.following)
        if ended.code:
            if ended.fault or victim.path.name not in ended.said:
                return f"{victim.following}: {ended.fault or 'the file is not named'}: {ended.sentence}"
            if any((tree / victim.following).glob("*/manifest.json")) or before - _standing(tree):
                return f"{victim.following}: it wrote"
            advice = ended.sentence
    for place in chain.from_iterable(_to_delete(victim, line) for line in advice.splitlines()):
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    ended = victim.make(stages(victim.scale)[-1])
    if ended.code:
        return f"after following '{advice[-200:]}': {ended.said.strip()[-300:]}"
    if "/.written/" in victim.name and (victim.artifact / "manifest.json").is_file():
        shutil.copy(wanted / victim.name, victim.path)  # nobody reads it where the manifest stands
    # A page that was made again says so: when the evaluation before it was made, and how long that took.
    compared = [stage for stage in stages(victim.scale) if stage != "report" or victim.following != "report"]
    found = (difference(tree / stage, wanted / stage) for stage in compared)
    return next((each for each in found if each is not None), None)


def _to_delete(victim: Victim, line: str) -> Iterator[Path]:
    """The places that a sentence tells to delete."""
    told = re.search(r"[Dd]elete (.+?),? (?:and run|and train|run)", line)
    if told:
        for word in re.split(r" and |, ", told[1]):
            if word in ("this file", "it"):
                named = re.search(r"(\S*/\S+?)[:,]? (?:was|has|cannot|is)", line)
                yield victim.tree.parent / named[1] if named and word == "it" else victim.path
            else:
                yield victim.tree.parent / word if "/" in word else victim.artifact / word


def _standing(tree: Path) -> set[tuple[str, str]]:
    """The files of a tree with their hashes; what a failed run tells others of itself is no data."""
    files = (path for path in tree.rglob("*") if path.is_file() and not is_note(path.name))
    return {(path.relative_to(tree).as_posix(), file_hash(path)) for path in files}
