"""Ray: the same bytes as here, whatever dies meanwhile; and a sentence for every cluster that will not do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sleepers import Failing, Sleeper, part

from pipeline import site
from pipeline.artifact import Artifact
from pipeline.cli import main
from pipeline.errors import Refusal
from pipeline.executor import Executor
from pipeline.store import Store

ROOT = Path(__file__).parents[1]
MAZES = ("--recipe=maze-demo", "--domain.width=5", "--domain.height=5", "--generate.shard_rows=50")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A cluster of three nodes of one core, whose workers find this project and these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
        patch.setenv("RAY_health_check_period_ms", "500")  # a lost node is noticed sooner
        from pipeline.clusterdemo import cluster

        with cluster(3) as running:
            yield running


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "made").mkdir()
    return Artifact(tmp_path / "made")


def content(artifact: Artifact, shards: range) -> dict[int, bytes]:
    return {shard: (artifact.folder / part(shard)).read_bytes() for shard in shards}


def at_work(artifact: Artifact) -> dict[int, int]:
    """Process number of each shard that is under way."""
    notes = (artifact.folder / "at-work").glob("*")
    return {int(note.name.partition("-")[0]): int(note.name.partition("-")[2]) for note in notes}


def someone_at_work(artifact: Artifact) -> int:
    """The process of a shard that is under way: of those that end together the next begin a little later."""
    deadline = time.monotonic() + 30
    while not (found := at_work(artifact)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return next(iter(found.values()))


def data_files(folder: Path) -> dict[str, bytes]:
    (manifest,) = folder.glob("generate/*/manifest.json")
    made = Artifact(manifest.parent)
    return {name: (made.folder / name).read_bytes() for name in made.manifest["files"]}


def generate(folder: Path, *words: str) -> list[str]:
    return ["generate", *MAZES, "--generate.rows=300", f"--artifacts={folder}", *words]


@pytest.mark.cluster
def test_a_cluster_generates_the_bytes_of_a_local_run(nodes: Any, tmp_path: Path) -> None:
    assert main(generate(tmp_path / "here", "--workers=1")) == 0
    assert main(generate(tmp_path / "there", "--executor=ray", f"--address={nodes.address}")) == 0
    assert data_files(tmp_path / "there") == data_files(tmp_path / "here")
    logs = sorted(tmp_path.glob("there/generate/*/.logs/*"))
    assert [log.name for log in logs] == [site.log_name(shard) for shard in range(6)]
    assert "shard 3 on " in logs[3].read_text()
    assert "done in" in logs[3].read_text()


@pytest.mark.cluster
def test_a_cluster_fills_a_store_with_the_bytes_of_a_local_run(
    nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto_server = pytest.importorskip("moto.server", reason="moto is not installed (extra dev)")
    import boto3

    running = moto_server.ThreadedMotoServer("127.0.0.1", 0)
    running.start()
    host, port = running.get_host_and_port()
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("DISTILL_CACHE", str(tmp_path / "cache")),
    ):
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="cluster")
    there = "s3://cluster/runs"
    assert main(["generate", *MAZES, "--generate.rows=300", f"--artifacts={tmp_path / 'here'}"]) == 0
    asked = ["generate", *MAZES, "--generate.rows=300", f"--artifacts={there}"]
    assert main([*asked, "--executor=ray", f"--address={nodes.address}"]) == 0
    local = {name: data for name, data in data_files(tmp_path / "here").items() if name.startswith("data/")}
    listed = client.list_objects_v2(Bucket="cluster")["Contents"]
    stored = {
        f"data/{each['Key'].rpartition('/')[2]}": client.get_object(Bucket="cluster", Key=each["Key"])[
            "Body"
        ].read()
        for each in listed
        if each["Key"].endswith(".parquet")
    }
    assert stored == local
    assert [each["Key"] for each in listed if each["Key"].endswith("/manifest.json")]
    running.stop()


@pytest.mark.cluster
def test_a_failing_shard_is_named_with_its_node_and_its_log(nodes: Any, artifact: Artifact) -> None:
    with pytest.raises(
        Refusal, match=r"shard 2 failed on the node \S+ \(\w+\): the teacher is ill; "
    ) as told:
        list(Executor(cluster=nodes.address).over(Failing(2), range(4), artifact))
    log = artifact.folder / ".logs" / "shard-00002.log"
    assert str(log) in str(told.value)
    assert "a remark on 2" in log.read_text()
    assert "Refusal" in log.read_text()


@pytest.mark.cluster
def test_a_node_with_other_libraries_is_named(
    nodes: Any, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**site.versions(), "polars": "0.1", "Python": "3.0.0"}
    monkeypatch.setattr(site, "versions", lambda: other)
    with pytest.raises(Refusal, match=r"the node \S+ \(\w+\) has Python 3\.\d+\.\d+ and polars .* 0\.1\)"):
        list(Executor(cluster=nodes.address).over(Sleeper(artifact.folder), range(2), artifact))
    assert not list(artifact.folder.glob("data/*"))
    assert not list(artifact.folder.glob(".logs/.*"))


@pytest.mark.cluster
def test_ctrl_c_leaves_finished_shards_and_cancels_the_rest(nodes: Any, artifact: Artifact) -> None:
    script = (
        "import sys; from pathlib import Path; from sleepers import Sleeper\n"
        "from pipeline.artifact import Artifact; from pipeline.executor import Executor\n"
        "artifact = Artifact(Path(sys.argv[1]))\n"
        "task = Sleeper(artifact.folder, 1.0)\n"
        "for shard, _ in Executor(cluster=sys.argv[2]).over(task, range(40), artifact):\n"
        "    print(shard, flush=True)\n"
    )
    words = [sys.executable, "-c", script, str(artifact.folder), nodes.address]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline()
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=20) != 0
    there = len(list(artifact.folder.glob("data/*.txt")))
    assert 1 <= there < 20
    time.sleep(2.5)
    assert len(list(artifact.folder.glob("data/*.txt"))) <= there + 3
    assert not list(artifact.folder.glob(".logs/.*"))


@pytest.mark.cluster
def test_a_killed_worker_costs_only_its_shard(nodes: Any, artifact: Artifact) -> None:
    shards, task = range(8), Sleeper(artifact.folder, 0.5)
    ended: dict[int, int] = {}
    killed = 0
    for shard, result in Executor(cluster=nodes.address).over(task, shards, artifact):
        ended[shard] = result
        if not killed:
            killed = someone_at_work(artifact)
            os.kill(killed, signal.SIGKILL)
    assert killed
    assert ended == {shard: shard * shard for shard in shards}
    assert content(artifact, shards) == local(artifact, task, shards)


@pytest.mark.cluster
def test_a_lost_node_costs_only_its_shards(nodes: Any, artifact: Artifact) -> None:
    """The last one: it takes a node away."""
    shards, task = range(8), Sleeper(artifact.folder, 0.5)
    ended: dict[int, int] = {}
    for shard, result in Executor(cluster=nodes.address).over(task, shards, artifact):
        if not ended:
            nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
        ended[shard] = result
    assert ended == {shard: shard * shard for shard in shards}
    assert content(artifact, shards) == local(artifact, task, shards)


def local(artifact: Artifact, task: Sleeper, shards: range) -> dict[int, bytes]:
    """The bytes that a local run writes."""
    other = Artifact(artifact.folder.parent / "local")
    other.folder.mkdir()
    for _ in Executor(1).over(Sleeper(other.folder, 0), shards, other):
        pass
    return content(other, shards)


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("127.0.0.1:1", "there is no Ray cluster at 127.0.0.1:1: nothing answers there"),
        ("nosuch.invalid:6379", "there is no Ray cluster at nosuch.invalid:6379"),
        ("somewhere", "--address takes auto or HOST:PORT, as in 10.0.0.1:6379, got 'somewhere'"),
        ("ray://127.0.0.1:1", "--address takes auto or HOST:PORT"),
    ],
)
def test_no_cluster_at_that_address_is_one_sentence(
    address: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    assert main(generate(tmp_path, "--executor=ray", f"--address={address}")) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"distill: {sentence}")
    assert len(told.splitlines()) == 1
    assert time.monotonic() - began < 15


def test_without_ray_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(generate(tmp_path, "--executor=ray")) == 1
    assert "search-trace-distillation[ray]" in capsys.readouterr().err


def test_an_address_without_ray_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(generate(tmp_path, "--address=127.0.0.1:1")) == 1
    assert capsys.readouterr().err == "distill: --address names a Ray cluster: add --executor ray\n"


def placed(folder: Path, **changes: Any) -> site.Site:
    about = {"here": Path.cwd(), "folder": folder, "token": ".cluster-1.tmp", "store": None}
    return site.Site(**{**about, "versions": site.versions(), "environment": {}, **changes})


def test_a_node_that_does_not_share_the_folder_is_told(tmp_path: Path) -> None:
    assert "put --artifacts on a disk that every node shares" in (placed(tmp_path / "made").taken() or "")
    (tmp_path / "made" / ".logs").mkdir(parents=True)
    (tmp_path / "made" / ".logs" / ".cluster-1.tmp").write_text("")
    assert placed(tmp_path / "made").taken() is None


def test_a_node_gets_the_mirror_of_a_store(tmp_path: Path) -> None:
    store = Store("s3://bucket/prefix", tmp_path / "mirror")
    folder = store.mirror / "generate" / "maze-0"
    assert placed(folder, store=store).taken() is None
    assert "s3://bucket/prefix" in (store.mirror / "store.json").read_text()


def test_differences_are_said_in_words() -> None:
    ours = {"Python": "3.11.2", "polars": "2.1.0", site.OURS: "abc"}
    assert site.differences(ours, ours) == ""
    assert (
        site.differences(ours, {**ours, "polars": "2.0.0"}) == "polars 2.0.0 (this machine has polars 2.1.0)"
    )
    assert site.differences(ours, {"Python": "3.11.2", site.OURS: "abd"}) == (
        "polars missing and another version of this project's source (this machine has polars 2.1.0)"
    )
