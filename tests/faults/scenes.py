"""What is disturbed: commands on recipes of the three teachers, sized down, and their undisturbed ends."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from faults.victims import Done, run


@dataclass(frozen=True)
class Scene:
    """A command, and the scene at whose end it begins; None begins in an empty folder."""

    name: str
    words: tuple[str, ...]
    after: str | None = None


@dataclass(frozen=True)
class Teacher:
    """A recipe of the project, sized down."""

    name: str
    """In the plural, as the table says it: mazes, theories, chess."""
    recipe: str
    shards: int
    overrides: tuple[str, ...]

    @property
    def chosen(self) -> tuple[str, ...]:
        """The words that name the recipe and where its artifacts stand."""
        return ("--recipe", self.recipe, *self.overrides, "--artifacts", "artifacts")

    def stages(self, *names: str) -> tuple[Scene, ...]:
        """A scene of each stage, one after the other; what has shards has two workers."""
        before = (None, *names)
        return tuple(
            Scene(name, (name, *self.chosen, "--workers", "2"), after)
            for name, after in zip(names, before, strict=False)
        )


SMALL_FIT = ("--fit.batch_tokens=512", "--fit.log_every=2", "--fit.save_every=4", "--fit.validation_rows=8")
SMALL_MODEL = (
    *("--model.layers=1", "--model.width=32", "--model.heads=1"),
    *("--model.kv_heads=1", "--model.feedforward=32"),
)
SMALL_ROUNDS = (
    *("--bootstrap.samples=2", "--bootstrap.validation_problems=6"),
    *("--bootstrap.fit.steps=8", "--bootstrap.fit.batch_tokens=512", "--bootstrap.fit.save_every=2"),
    *("--bootstrap.fit.log_every=1", "--bootstrap.fit.validation_rows=6", "--bootstrap.fit.validate_every=4"),
)
SMALL_PAGE = (
    *("--evaluate.problems=8", "--evaluate.samples=2", "--evaluate.sampled_problems=3"),
    *("--report.examples=2", "--report.rollouts=6", "--report.playable=6"),
)

MAZES = Teacher(
    "mazes",
    "maze-demo",
    14,
    (
        *("--domain.width=4", "--domain.height=4", "--generate.rows=560", "--generate.shard_rows=40"),
        *("--curate.file_rows=60", "--curate.test=0.1", "--curate.validation=0.1"),
        *("--model.context=128", "--encode.too_long=refuse", "--fit.steps=24", "--fit.validate_every=8"),
        # More prompts than a chunk of rollouts has, so that a round has two.
        *("--bootstrap.rounds=2", "--bootstrap.prompts=270"),
        *(*SMALL_FIT, *SMALL_MODEL, *SMALL_ROUNDS, *SMALL_PAGE),
    ),
)
THEORIES = Teacher(
    "theories",
    "prolog-demo",
    10,
    (
        *("--generate.rows=240", "--generate.shard_rows=24"),
        *("--curate.file_rows=40", "--curate.test=0.15", "--curate.validation=0.15"),
        *("--model.context=128", "--fit.steps=24", "--fit.validate_every=8"),
        *("--bootstrap.rounds=1", "--bootstrap.prompts=40"),
        *(*SMALL_FIT, *SMALL_MODEL, *SMALL_ROUNDS, *SMALL_PAGE),
    ),
)
CHESS = Teacher(
    "chess",
    "chess-demo",
    10,
    (
        *("--domain.nodes=20", "--domain.root_nodes=40", "--domain.game_nodes=20"),
        *("--domain.longest_game=40", "--generate.rows=60", "--generate.shard_rows=6"),
        *("--curate.file_rows=12", "--curate.test=0.15", "--curate.validation=0.15"),
        *("--fit.steps=24", "--fit.validate_every=8", "--report.examples=2", "--report.rollouts=6"),
        *("--report.playable=6", *SMALL_FIT, *SMALL_MODEL),
    ),
)


class Undisturbed:
    """Scenes played to their ends, each once, below a folder."""

    def __init__(self, folder: Path, scenes: tuple[Scene, ...]) -> None:
        self.folder, self.scenes = folder, {scene.name: scene for scene in scenes}
        self._done: dict[str, Done] = {}

    def done(self, name: str) -> Done:
        """How the scene's command ended, once it has been played with all that is before it."""
        if name not in self._done:
            end = self.folder / name
            self.begin(name, end)
            done = run(self._words(name, end), end)
            if done.code != 0:
                raise RuntimeError(f"{name} fails undisturbed: {done.told}")
            self._done[name] = done
        return self._done[name]

    def end(self, name: str) -> Path:
        """The folder as the scene has left it."""
        self.done(name)
        return self.folder / name

    def begin(self, name: str, folder: Path) -> tuple[str, ...]:
        """Put a new folder in the state in which the scene begins; gives the words of its command there."""
        after = self.scenes[name].after
        if after is None:
            folder.mkdir(parents=True)
        else:
            shutil.copytree(self.end(after), folder)
        return self._words(name, folder)

    def _words(self, name: str, folder: Path) -> tuple[str, ...]:
        """The command, with artifacts that it names by a pattern looked up in the folder."""
        return tuple(
            str(next(folder.glob(word)).relative_to(folder)) if "*" in word else word
            for word in self.scenes[name].words
        )
