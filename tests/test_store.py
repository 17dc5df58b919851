"""Object storage: the same stages, the same bytes, whether a folder keeps them or a store does."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import store
from pipeline.artifact import Artifact
from pipeline.errors import Damaged, Refusal
from pipeline.recipe import build
from pipeline.stage import Job, Options, make
from pipeline.stages.curate import CURATE
from pipeline.stages.generate import some
from pipeline.store import located, store_of

moto_server = pytest.importorskip("moto.server", reason="moto is not installed (extra dev)")
boto3 = pytest.importorskip("boto3")

RECIPE = {
    "name": "stored",
    "domain": {"name": "maze", "width": 5, "height": 5, "attempts_per_layout": 3},
    "generate": {"rows": 300, "shard_rows": 100},
    "curate": {"test": 0.2, "validation": 0.2},
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real S3 API on loopback."""
    running = moto_server.ThreadedMotoServer("127.0.0.1", 0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(autouse=True)
def credentials(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", server),
        ("DISTILL_CACHE", str(tmp_path / "cache")),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    forget()


def forget() -> None:
    """As in a new process: file systems and places are looked up again."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    store._store_at.cache_clear()


@pytest.fixture
def bucket(server: str, request: pytest.FixtureRequest) -> str:
    name = f"bucket-{abs(hash(request.node.name)) % 10**8}"
    client().create_bucket(Bucket=name)
    return name


def client() -> object:
    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def keys(bucket: str) -> dict[str, int]:
    listed = client().list_objects_v2(Bucket=bucket)  # type: ignore[attr-defined]
    return {each["Key"]: each["Size"] for each in listed.get("Contents", ())}


def curated(artifacts: Path, workers: int = 1) -> Job:
    return make(Job(CURATE, build(RECIPE), Options(artifacts, workers)))


def data(job: Job) -> dict[str, bytes]:
    artifact = job.artifact
    return {name: artifact.verified(name).read_bytes() for name in artifact.names("data/*.parquet")}


def test_a_store_holds_the_bytes_that_a_folder_holds(bucket: str, tmp_path: Path) -> None:
    here = curated(tmp_path / "artifacts")
    there = curated(located(f"s3://{bucket}/runs"))
    assert data(here) == data(there)
    names = set(keys(bucket))
    folder = f"runs/curate/{there.artifact.folder.name}"
    assert {f"{folder}/{name}" for name in there.artifact.manifest["files"]} <= names
    assert f"{folder}/manifest.json" in names
    assert not [name for name in names if name.endswith(".tmp")]


def test_another_machine_finds_all_of_it_finished(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = curated(located(f"s3://{bucket}/runs"))
    before, wanted = keys(bucket), data(first)
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "another"))
    forget()
    again = curated(located(f"s3://{bucket}/runs"))
    assert again.artifact.folder != first.artifact.folder
    assert data(again) == wanted
    assert keys(bucket) == before


def test_workers_publish_into_the_store(bucket: str) -> None:
    job = curated(located(f"s3://{bucket}/runs"), workers=2)
    assert job.input("generate").artifact.manifest["rows"] == 300


def test_another_machine_goes_on_from_finished_shards(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"s3://{bucket}/runs"
    whole = curated(located(place)).input("generate").artifact
    wanted = {name: entry["blake2b"] for name, entry in whole.manifest["files"].items()}
    lost = next(name for name in wanted if name.startswith("data/"))
    inner = f"runs/generate/{whole.folder.name}"
    for name in (f"{inner}/manifest.json", f"{inner}/.written/{lost}.json"):
        client().delete_object(Bucket=bucket, Key=name)  # type: ignore[attr-defined]
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "another"))
    forget()
    made = curated(located(place)).input("generate").artifact
    assert {name: entry["blake2b"] for name, entry in made.manifest["files"].items()} == wanted
    fetched = [path.name for path in (made.folder / "data").glob("*.parquet")]
    assert len(fetched) == 3  # one made anew, two fetched for curate alone


def test_changed_bytes_in_the_store_are_found(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = curated(located(f"s3://{bucket}/runs"))
    name = job.artifact.names("data/test-*.parquet")[0]
    key = f"runs/curate/{job.artifact.folder.name}/{name}"
    content = bytearray(job.artifact.verified(name).read_bytes())
    content[len(content) // 2] ^= 1
    client().put_object(Bucket=bucket, Key=key, Body=bytes(content))  # type: ignore[attr-defined]
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "another"))
    forget()
    with pytest.raises(Damaged, match=r"test-00000.*hash mismatch"):
        data(curated(located(f"s3://{bucket}/runs")))


def test_a_store_that_is_away_for_a_while_is_waited_for(
    bucket: str, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = located(f"s3://{bucket}/runs")
    artifact = Artifact(root / "generate" / "maze-0000")
    artifact.folder.mkdir(parents=True)
    host, port = server.removeprefix("http://").split(":")
    monkeypatch.setattr(store, "PAUSES", (0.2,) * 60)
    # Another server takes the place of one that is down when the upload begins.
    away = moto_server.ThreadedMotoServer(host, 0)
    away.start()
    _, elsewhere = away.get_host_and_port()
    away.stop()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{elsewhere}")
    forget()
    later = moto_server.ThreadedMotoServer(host, elsewhere)
    threading.Timer(2, later.start).start()
    begun = time.monotonic()
    artifact.publish("data/part.bin", lambda path: path.write_bytes(b"bytes"), rows=1)
    assert time.monotonic() - begun > 1
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    forget()
    assert keys(bucket)["runs/generate/maze-0000/data/part.bin"] == 5
    later.stop()


def test_a_bucket_that_is_not_there_is_told(server: str) -> None:
    with pytest.raises(Refusal, match="there is no such bucket; create it first"):
        curated(located("s3://nobody-has-made-it/runs"))


def test_missing_credentials_are_told(monkeypatch: pytest.MonkeyPatch, bucket: str, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    forget()
    with pytest.raises(Refusal, match=r"no credentials for s3://.*AWS_ACCESS_KEY_ID"):
        curated(located(f"s3://{bucket}/runs"))


def test_a_store_that_stays_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(store, "PAUSES", (0.01,))
    forget()
    with pytest.raises(Refusal, match="does not answer"):
        curated(located("s3://somewhere/runs"))


@pytest.mark.parametrize(
    ("url", "message"),
    [("nosuch://place", "is no URL of a store"), ("a b://c", "is no URL of a store")],
)
def test_a_url_of_no_store_is_told(url: str, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        curated(located(url))


def test_paths_stay_paths_and_urls_have_a_mirror(tmp_path: Path) -> None:
    assert located("artifacts/curate/maze-1") == Path("artifacts/curate/maze-1")
    whole, inner = located("s3://b/runs"), located("s3://b/runs/train/maze-1/last/")
    assert inner == whole / "train" / "maze-1" / "last"
    assert json.loads((whole / store.MARK).read_text()) == {"url": "s3://b/runs"}
    kept = store_of(inner)
    assert kept is not None
    assert kept.place(inner) == "s3://b/runs/train/maze-1/last"
    assert store_of(tmp_path) is None


def test_a_stored_data_set_is_looked_at_from_another_machine(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.cli import main

    job = curated(located(f"s3://{bucket}/runs"))
    place = f"s3://{bucket}/runs/curate/{job.artifact.folder.name}"
    problem = job.artifact.manifest
    assert problem["inputs"][0]["folder"].startswith(f"s3://{bucket}/runs/generate/")
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "another"))
    forget()
    assert main(["inspect", place, "--rows", "1"]) == 0
    assert "S start" in capsys.readouterr().out
    assert main(["report", place, "--to", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").stat().st_size > 20_000
    assert main(["inspect", f"s3://{bucket}/runs/curate/nothing"]) == 1
    assert "there is nothing at s3://" in capsys.readouterr().err


def test_what_was_taken_out_of_a_store_is_not_there(bucket: str) -> None:
    job = curated(located(f"s3://{bucket}/runs"))
    for key in keys(bucket):
        client().delete_object(Bucket=bucket, Key=key)  # type: ignore[attr-defined]
    assert not job.finished()
    assert not job.artifact.manifest_path.exists()
    again = curated(located(f"s3://{bucket}/runs")).artifact
    folder = f"runs/curate/{again.folder.name}"
    assert {f"{folder}/{name}" for name in again.manifest["files"]} <= set(keys(bucket))


def test_what_a_killed_run_made_and_did_not_send_is_sent_by_the_next(bucket: str) -> None:
    root, recipe = located(f"s3://{bucket}/runs"), build(RECIPE)
    some(recipe, Options(root, 1, shards=(0,)))
    unsent = [key for key in keys(bucket) if "part-00000" in key]
    assert len(unsent) == 2
    for key in unsent:
        client().delete_object(Bucket=bucket, Key=key)  # type: ignore[attr-defined]
    some(recipe, Options(root, 1, shards=(1,)))
    assert set(unsent) <= set(keys(bucket))


def test_an_upload_that_fails_beside_the_work_ends_the_run(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = store.Store.put

    def refusing(self: store.Store, path: Path) -> None:
        if path.name == "part-00001.parquet":
            raise Refusal("the store is full")
        put(self, path)

    monkeypatch.setattr(store.Store, "put", refusing)
    with pytest.raises(Refusal, match="the store is full"):
        curated(located(f"s3://{bucket}/runs"))
    assert not [key for key in keys(bucket) if "part-00001" in key or "manifest" in key]
    monkeypatch.undo()


def test_every_attempt_has_a_client_of_its_own(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAUSES", (0.01,) * 3)
    kept = store_of(located(f"s3://{bucket}/runs") / "generate")
    assert kept is not None
    clients = []

    def action() -> int:
        clients.append(kept.system)
        if len(clients) < 4:
            raise OSError(store.EREMOTEIO, "an internal error of the store")
        return len(clients)

    assert kept._patiently(action, kept.mirror) == 4
    assert len(set(map(id, clients))) == 4


def test_a_store_that_is_away_is_told_once_for_all_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    now = [100.0]
    monkeypatch.setattr(store.time, "monotonic", lambda: now[0])
    kept = store.Store("s3://away/told-once", tmp_path)
    for _ in range(8):
        kept._tell_away(3, 1)
    now[0] += 1
    for _ in range(8):
        kept._tell_away(4, 2)
    told = [line for line in capsys.readouterr().err.splitlines() if "does not answer" in line]
    assert len(told) == 2
