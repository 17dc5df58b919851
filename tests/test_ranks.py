"""Several processes as one command: who leads, who shares the work, and what ends when one of them dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sleepers import Failing, Killer, Sleeper, part

from pipeline.answering import PIECE, ROLLOUTS, Answering, Entrant, Piece, answered, lacking
from pipeline.artifact import Artifact
from pipeline.cli import main
from pipeline.crew import crew_of, disband, place_of
from pipeline.errors import Refusal
from pipeline.executor import Executor
from pipeline.launch import launched
from pipeline.recipe import Evaluate, build
from pipeline.seeds import named_rng
from pipeline.stages import encode
from trainers import checkpoint
from trainers.config import Fit, Sampling
from trainers.model import build as build_model
from trainers.place import Place
from trainers.tokens import Tokens

ROOT = Path(__file__).parents[1]
TRAIN = ("train", "--recipe", "maze-demo")
RECIPE = build(
    {
        "name": "test",
        "domain": {"name": "maze", "width": 4, "height": 4},
        "encode": {"notation": "cells"},
        "model": {"layers": 1, "width": 32, "heads": 2, "context": 192},
    }
)


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "made").mkdir()
    return Artifact(tmp_path / "made")


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    yield
    disband()


def devices(number: int) -> Executor:
    return Executor(1).for_models(Fit(devices=number))


def at_work(artifact: Artifact) -> dict[int, int]:
    """Process number of each shard that is under way."""
    notes = (artifact.folder / "at-work").glob("*")
    return {int(note.name.partition("-")[0]): int(note.name.partition("-")[2]) for note in notes}


def until(wanted: object, seconds: float = 300.0) -> None:
    assert callable(wanted)
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


# ---- how a process was started ----

TORCHRUN = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "a",
    "MASTER_PORT": "1",
}
SRUN = {
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NTASKS": "4",
}


@pytest.mark.parametrize("environment", [TORCHRUN, SRUN])
def test_torchrun_and_srun_start_processes_that_are_one_command(environment: dict[str, str]) -> None:
    place = launched(TRAIN, environment)
    assert place == Place(3, 4, 1, 2)
    assert (place.node, place.nodes) == (1, 2)


@pytest.mark.parametrize("environment", [TORCHRUN, SRUN])
@pytest.mark.parametrize(
    "words", [("generate", "--shards", "3"), ("generate", "--shards=3"), ("inspect", "x"), ("--help",)]
)
def test_tasks_that_make_shards_are_commands_of_their_own(
    words: tuple[str, ...], environment: dict[str, str]
) -> None:
    assert launched(words, environment) is None


def test_a_batch_script_is_one_process_whatever_it_may_start() -> None:
    assert launched(TRAIN, {"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}) is None
    assert launched(TRAIN, {**SRUN, "SLURM_STEP_NUM_TASKS": "1"}) is None
    assert launched(TRAIN, {"WORLD_SIZE": "1", "RANK": "0"}) is None


def test_what_a_launcher_left_out_and_uneven_nodes_are_refused() -> None:
    with pytest.raises(Refusal, match=r"WORLD_SIZE is set, LOCAL_RANK is not: .* torchrun"):
        launched(TRAIN, {"RANK": "0", "WORLD_SIZE": "2"})
    with pytest.raises(Refusal, match="3 processes do not come out even"):
        launched(TRAIN, {**SRUN, "SLURM_STEP_NUM_TASKS": "3"})


def test_several_nodes_need_a_launcher() -> None:
    with pytest.raises(Refusal, match=r"fit\.nodes is 2, but this process was started alone"):
        place_of(Fit(nodes=2))


def test_a_step_with_fewer_rows_than_devices_is_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRAIN, "--artifacts", str(tmp_path), "--fit.devices=2"]) == 1
    assert "fit.accumulate 1 is fewer rows a step than there are devices (2)" in capsys.readouterr().err
    words = ["bootstrap", *TRAIN[1:], "--fit.devices=2", "--fit.accumulate=2"]
    assert main([*words, "--artifacts", str(tmp_path)]) == 1
    assert "bootstrap.fit.accumulate 1 is fewer" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# ---- shards ----


def test_shards_are_shared_out_and_nobody_is_left(artifact: Artifact) -> None:
    executor = devices(3)
    assert executor.several()
    assert dict(executor.over(Sleeper(artifact.folder), range(8), artifact)) == {n: n * n for n in range(8)}
    assert all(artifact.written(part(number)) for number in range(8))
    assert dict(executor.over(Failing(-1), range(3), artifact)) == {0: 0, 1: 1, 2: 2}  # the same processes
    crew = crew_of(Fit(devices=3))
    assert crew is not None
    disband()
    assert all(process.exitcode is not None for process in crew.processes)
    assert not (artifact.folder / ".logs").exists()


def test_a_failing_shard_is_told_and_ends_the_run(artifact: Artifact) -> None:
    with pytest.raises(Refusal, match="the teacher is ill"):
        list(devices(2).over(Failing(2), range(4), artifact))
    assert dict(devices(2).over(Failing(-1), range(2), artifact)) == {0: 0, 1: 1}


def test_the_death_of_a_process_is_one_sentence_and_finished_shards_stand(artifact: Artifact) -> None:
    with pytest.raises(Refusal, match=r"rank 1 has died \(it ended with signal 9\).*run the same"):
        list(devices(2).over(Killer(artifact.folder, os.getpid()), range(3), artifact))
    assert sum(artifact.written(part(number)) is not None for number in range(3)) == 2


LEADER = """
import sys
from pathlib import Path
from sleepers import Sleeper
from pipeline.artifact import Artifact
from pipeline.executor import Executor
from trainers.config import Fit

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    list(Executor(1).for_models(Fit(devices=3)).over(Sleeper(folder, 600), range(3), Artifact(folder)))
"""


def test_nothing_survives_the_first_process(artifact: Artifact, tmp_path: Path) -> None:
    script = tmp_path / "leader.py"
    script.write_text(LEADER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    leader = subprocess.Popen([sys.executable, str(script), str(artifact.folder)], env=environment)
    try:
        until(lambda: len(at_work(artifact)) == 3)
    finally:
        leader.kill()
        leader.wait()
    others = set(at_work(artifact).values()) - {leader.pid}
    assert len(others) == 2
    until(lambda: not any(map(_runs, others)))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


# ---- rollouts ----


@pytest.fixture(scope="module")
def entrant(tmp_path_factory: pytest.TempPathFactory) -> Entrant:
    """An untrained checkpoint for small mazes."""
    folder = tmp_path_factory.mktemp("checkpoint")
    encode.save_vocabulary(encode.vocabulary_of(RECIPE), Artifact(folder / "words"))
    torch.manual_seed(0)
    model = build_model(RECIPE.model, Tokens.read(folder / "words" / encode.IDS))
    checkpoint.save(model, folder / "best", folder / "words" / encode.IDS)
    return Entrant("start", 0, folder / "best")


def test_answers_are_the_same_bytes_however_they_are_shared_out(entrant: Entrant, tmp_path: Path) -> None:
    rng = named_rng(0, "test")
    problems = RECIPE.domain.solve(RECIPE.domain.problems(rng, 2 * PIECE + 40), rng)
    references = RECIPE.domain.references(problems, rng)
    asked = Evaluate(samples=1, sampled_problems=PIECE + 10, sampling=Sampling(max_new_tokens=4))
    found = []
    for number in (1, 2):
        made = Artifact(tmp_path / str(number))
        made.folder.mkdir()
        if number == 2:  # as a run of another number of processes was interrupted
            pieces = (Piece(0, 100, 150),)
            Answering(made.folder, (entrant,), problems, asked, 0, pieces, shown=False)(0)
        answered(made, [entrant], problems, references, asked, 0, devices(number))
        assert [path.name for path in made.folder.rglob("*.parquet")] == [ROLLOUTS]
        found.append((made.folder / ROLLOUTS).read_bytes())
    assert found[0] == found[1]


# ---- pieces ----


@given(st.integers(0, 40), st.lists(st.tuples(st.integers(0, 39), st.integers(1, 9))), st.integers(1, 12))
def test_pieces_that_are_missing_fill_what_is_done(
    problems: int, drawn: list[tuple[int, int]], size: int
) -> None:
    done: list[Piece] = []
    for first, count in sorted(drawn):
        if first + count <= problems and (not done or done[-1].last <= first):
            done.append(Piece(1, first, first + count))
    made = [*done, *lacking([Piece(0, 0, problems), *done], 1, problems, size)]
    made.sort(key=lambda piece: piece.first)
    assert [number for piece in made for number in range(piece.first, piece.last)] == list(range(problems))
    assert all(piece.last - piece.first <= size for piece in made if piece not in done)
    assert all(Piece.of(piece.name) == piece for piece in made)
