"""Artifacts: manifests, sidecars, notes, sweeps, encoded ids; and Parquet, also within artifacts."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faults.fuzzing.case import CANARY, Case
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.kinds.checkpoints import PICKLE, Touch
from faults.fuzzing.mutation import cut, dumped, lacking, no_json, noise, otherwise, places, put
from pipeline.files import CHECK, digest

TREE = "TREE"
"""In a command line the folder that holds the artifacts."""
SECRET = "secret.parquet"
"""A file beside the artifacts, which nothing in them may lead to."""


def _reading(rng: Random, stage: str, name: str) -> tuple[str, ...]:
    """A command that reads an artifact."""
    ways: list[tuple[str, ...]] = [("inspect", name), ("report", name, "--to", "page.html")]
    if stage == "evaluate":
        ways += [("compare", name, name), ("results", name)]
    if stage in ("generate", "curate"):
        ways += [("generate", "--recipe", "r.yaml", "--workers=1", "--problems", name)]
    return rng.choice(ways)


def _asked(
    rng: Random, corpus: Corpus, stage: str, what: str, words: tuple[str, ...] = (), **files: bytes | None
) -> Case:
    """An artifact with other files, in a tree with those it was made from."""
    # Another name each time: a process keeps what it has read of a path.
    tree = f"tree-{rng.getrandbits(32):08x}"
    name = f"{tree}/{stage}/{corpus.artifacts[stage].name}"
    named = {f"{name}/{inner}": content for inner, content in files.items()}
    recipe = {"r.yaml": b"domain: {name: maze, width: 5, height: 5}\n"}
    told = tuple(word.replace(TREE, tree) for word in words) or _reading(rng, stage, name)
    copies = {tree: corpus.folder / "artifacts"}
    return Case("artifacts", f"{stage}: {what}", told, {**recipe, **named}, copies)


def _manifest(corpus: Corpus, stage: str) -> Any:
    found = json.loads((corpus.artifacts[stage] / "manifest.json").read_text())
    found.pop(CHECK, None)
    return found


def _marked(manifest: Any) -> bytes:
    """A manifest with the digest that belongs to it, as a forger would write it."""
    return dumped({**manifest, CHECK: digest(manifest)} if isinstance(manifest, dict) else manifest)


def no_manifest(rng: Random, corpus: Corpus) -> Case:
    stage = rng.choice(tuple(corpus.artifacts))
    what, content = no_json(rng, (corpus.artifacts[stage] / "manifest.json").read_bytes())
    return _asked(rng, corpus, stage, f"manifest {what}", **{"manifest.json": content})


def changed(rng: Random, corpus: Corpus) -> Case:
    """A manifest with any value changed, and its old digest."""
    stage = rng.choice(tuple(corpus.artifacts))
    whole = json.loads((corpus.artifacts[stage] / "manifest.json").read_text())
    place, value = rng.choice([each for each in places(whole) if each[0] != (CHECK,)])
    content = dumped(put(whole, place, otherwise(rng, value)))
    return _asked(rng, corpus, stage, f"manifest changed at {place}", **{"manifest.json": content})


def forged(rng: Random, corpus: Corpus) -> Case:
    """A manifest with a value of another type where everything relies on it, and the digest made anew."""
    stage = rng.choice(("generate", "curate", "evaluate"))
    whole = _manifest(corpus, stage)
    name = next(iter(whole["files"]))
    tops: list[tuple[Any, ...]] = [("files",), ("stage",), ("domain",), ("inputs",), ("settings",)]
    tops += [("files", name), ("files", name, "bytes"), ("files", name, "blake2b"), ("domain", "name")]
    tops += [("inputs", 0), ("inputs", 0, "folder"), ("inputs", 0, "stage")] if whole["inputs"] else []
    if stage == "evaluate":
        tops += [("metrics",), ("metrics", 0), ("metrics", 0, "label"), ("metrics", 0, "value")]
    place = rng.choice(tops)
    value = whole
    for key in place:
        value = value[key]
    other = otherwise(rng, value)
    while other is None or other == {} or (place[-1] == "value" and isinstance(other, bool)):
        other = otherwise(rng, value)  # what may be left out, or is empty
    words = ("results", f"{TREE}/evaluate/{corpus.artifacts[stage].name}") if place[0] == "metrics" else ()
    content = _marked(put(whole, place, other))
    return _asked(
        rng, corpus, stage, f"manifest forged: {place} is {other!r:.50}", words, **{"manifest.json": content}
    )


def elsewhere(rng: Random, corpus: Corpus) -> Case:
    """Files of a manifest that stand outside of its folder."""
    stage = rng.choice(("generate", "curate", "evaluate"))
    whole = _manifest(corpus, stage)
    source = next(corpus.artifacts[stage].rglob("*.parquet")).read_bytes()
    name = rng.choice(("../../../secret.parquet", "data/../../../../secret.parquet", "/etc/passwd", "", ".",
                       "a/../b", "data/\x00", "\u202e.parquet"))  # fmt: skip
    entry = {"bytes": len(source), "blake2b": _hash(source), "rows": 3}
    files = {name: entry} if rng.random() < 0.5 else {**whole["files"], name: entry}
    case = _asked(rng, corpus, stage, f"a file {name!a} in the manifest",
                  **{"manifest.json": _marked({**whole, "files": files})})  # fmt: skip
    return Case(case.kind, case.what, case.words, {**case.files, SECRET: source}, case.copies)


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def resealed(corpus: Corpus, stage: str, name: str, content: bytes) -> dict[str, bytes]:
    """A file of an artifact with sidecar and manifest that fit it, as a forger would leave them."""
    whole = _manifest(corpus, stage)
    whole["files"][name] |= {"bytes": len(content), "blake2b": _hash(content)}
    entry = whole["files"][name]
    return {name: content, f".written/{name}.json": _marked(entry), "manifest.json": _marked(whole)}


def _table(corpus: Corpus, stage: str) -> tuple[str, pa.Table]:
    """The first Parquet file of an artifact."""
    folder = corpus.artifacts[stage]
    path = (
        sorted((folder / "data").glob("*.parquet"))[0] if stage != "evaluate" else folder / "rollouts.parquet"
    )
    return path.relative_to(folder).as_posix(), pq.read_table(path)


def _written(table: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def broken(content: bytes, rng: Random) -> tuple[str, bytes]:
    """Bytes that are no Parquet."""
    footer = int.from_bytes(content[-8:-4], "little")
    at = len(content) - 8 - footer
    return rng.choice((
        ("cut short", cut(rng, content)),
        ("binary", noise(rng)),
        ("empty", b""),
        ("the signs alone", b"PAR1PAR1"),
        ("a footer of 4 GB", content[:-8] + b"\xff\xff\xff\xffPAR1"),
        ("a footer of nothing", content[:-8] + b"\0\0\0\0PAR1"),
        ("a footer of noise", content[:at] + rng.randbytes(footer) + content[-8:]),
        ("CSV", b"problem_id,prompt\n1,2\n"),
        ("a pickle", PICKLE),
        ("no beginning", b"\0\0\0\0" + content[4:-4] + b"XXXX"),
    ))  # fmt: skip


def _retyped(rng: Random, table: pa.Table) -> tuple[str, pa.Table]:
    """A table with columns of other types, or without some."""
    needed = ("problem_id", "split_key", "prompt", "trace", "answer", "cost", "trace_words")
    name = rng.choice(needed)
    at, rows = table.column_names.index(name), len(table)
    strange = pa.array([["no such word", None, "\u202e"]] * rows)
    columns: tuple[tuple[str, Any], ...] = (
        ("numbers", pa.array(range(rows), pa.int8() if rows < 128 else pa.int64())),
        ("nulls", pa.nulls(rows)),
        ("lists of numbers", pa.array([[1, 2]] * rows)),
        ("binary", pa.array([b"\xff\xfe"] * rows, pa.binary())),
        ("structures", pa.array([{"a": [None, {"b": 1}]}] * rows)),
        ("dates", pa.array([0] * rows, pa.timestamp("ns"))),
        ("words that are none", strange),
        ("decimals", pa.array([None] * rows, pa.decimal128(38, 10))),
        ("lists of lists", pa.array([[[["a"]]]] * rows)),
    )  # fmt: skip
    what, column = rng.choice(columns)
    if what == "nulls" and name not in ("problem_id", "split_key", "prompt"):
        what, column = columns[2] if name == "cost" else columns[0]  # what a row may lack
    if what == "words that are none" and name in ("prompt", "trace", "answer"):
        name, at = "prompt", table.column_names.index("prompt")
    if rng.random() < 0.25:
        return f"without {name}", table.drop_columns([name])
    if (name, what) in (("cost", "numbers"), ("trace_words", "numbers")):
        what, column = "binary", columns[3][1]
    return f"{name} as {what}", table.set_column(at, name, column)


def parquet(rng: Random, corpus: Corpus) -> Case:
    """A file alone."""
    judged = ("evaluate", "--checkpoint", str(corpus.checkpoint("maze")), "--on", "p.parquet")
    _, table = _table(corpus, "curate")
    if rng.random() < 0.5:
        what, content = broken(_written(table), rng)
        words = rng.choice((("inspect", "p.parquet"), ("inspect", "p.parquet", "--row=0a"),
                            ("inspect", "p.parquet", "--where=cost > 1"), judged))  # fmt: skip
        return Case("parquet", what, words, {"p.parquet": content})
    what, other = _retyped(rng, table)
    if rng.random() < 0.2:
        what, other = "no rows", table.slice(0, 0)
    return Case("parquet", what, judged, {"p.parquet": _written(other)})


def noted(rng: Random, corpus: Corpus) -> Case:
    """Metadata of ours that is none."""
    _, table = _table(corpus, "curate")
    versions = (b"99", b'"x"', b"-1", b"[]", b"null", b"1.5")
    others = (b"{", b"[]", b"5", b"null", b"[" * 100_000, b"\xff")
    note = rng.choice((*(b'{"schema_version": ' + each + b"}" for each in versions), *others))
    content = _written(table.replace_schema_metadata({b"distill": note}))
    words = rng.choice((("inspect", "p.parquet"), ("inspect", "p.parquet", "--where=cost > 1")))
    return Case("parquet", f"a note {note[:40]!r}", words, {"p.parquet": content})


def damaged(rng: Random, corpus: Corpus) -> Case:
    """A Parquet file within an artifact, whose manifest knows another."""
    stage = rng.choice(("generate", "curate", "evaluate"))
    name, table = _table(corpus, stage)
    what, content = broken(_written(table), rng)
    return _asked(rng, corpus, stage, f"{name} {what}", **{name: content})


def resown(rng: Random, corpus: Corpus) -> Case:
    """A Parquet file within an artifact that a forger has sealed."""
    stage = rng.choice(("generate", "curate", "evaluate"))
    name, table = _table(corpus, stage)
    what, content = broken(_written(table), rng)
    artifact = f"{TREE}/{stage}/{corpus.artifacts[stage].name}"
    words: tuple[str, ...] = ("inspect", artifact)
    if stage != "evaluate" and rng.random() < 0.7:
        if rng.random() < 0.7:
            what, other = _retyped(rng, table)
            while "words that are none" in what and not what.startswith("prompt"):
                what, other = _retyped(rng, table)
            content = _written(other)
        words = ("generate", "--recipe", "r.yaml", "--workers=1", "--problems", artifact)
        if not what.startswith(("problem_id", "split_key", "prompt", "without p", "without s")):
            what, content = broken(_written(table), rng)
    elif stage == "evaluate":
        words = rng.choice(
            (("compare", artifact, artifact), ("report", artifact, "--to", "page.html"), words)
        )
    return _asked(
        rng, corpus, stage, f"{name} {what}, sealed anew", words, **resealed(corpus, stage, name, content)
    )


def listed(rng: Random, corpus: Corpus) -> Case:
    """A file of a sweep."""
    evaluation = f"evaluate/{corpus.artifacts['evaluate'].name}"
    run = {
        "run": 1,
        "label": "x",
        "recipe": "small",
        "settings": {},
        "fingerprint": "x",
        "artifact": evaluation,
    }
    good = {"recipe": "small", "through": "evaluate", "runs": [run]}
    what, content = no_json(rng, dumped(good))
    if rng.random() < 0.6:
        spoilt = rng.choice((("runs",), ("runs", 0), ("runs", 0, "artifact"), ("runs", 0, "settings")))
        value = rng.choice(("x", 5, [5], None, "../../x", "/etc", True, {"a": 1}))
        if spoilt[-1] == "settings" and isinstance(value, dict):
            value = 5
        what, content = f"{spoilt} is {value!r}", dumped(put(good, spoilt, value))
    place = f"{TREE}/sweeps/s.json"
    words = rng.choice((("results", place), ("results", place, "--to=t.csv")))
    case = _asked(rng, corpus, "evaluate", f"a sweep: {what}", words)
    files = {**case.files, f"{next(iter(case.copies))}/sweeps/s.json": content}
    return Case(case.kind, case.what, case.words, files, case.copies)


NEEDED = {
    "rounds.json": ("rounds",),
    "fit.json": ("steps", "tokens", "mfu", "device", "seconds"),
    "ids/tokens.json": ("size", "words"),
}


def rounds(rng: Random, corpus: Corpus) -> Case:
    """What stands beside: rounds, results of training, vocabularies of ids."""
    stage, name = rng.choice((("bootstrap", "rounds.json"), ("train", "run.json"), ("train", "fit.json"),
                              ("encode", "ids/tokens.json"), ("train", "last/config.json")))  # fmt: skip
    content = (corpus.artifacts[stage] / name).read_bytes()
    what, spoilt = no_json(rng, content)
    if rng.random() < 0.5:
        needed = NEEDED.get(name, ())
        if needed:
            key = rng.choice(needed)
            what, spoilt = f"without {key}", dumped(lacking(json.loads(content), (key,)))
    words = ("inspect", f"{TREE}/{stage}/{corpus.artifacts[stage].name}")
    return _asked(rng, corpus, stage, f"{name} {what}", words, **{name: spoilt})


def ids(rng: Random, corpus: Corpus) -> Case:
    """Arrays of encoded ids; as objects they are pickles."""
    folder = corpus.artifacts["encode"]
    kind = rng.choice(("prompts", "prompt_offsets", "responses", "response_offsets", "rows", "keys"))
    path: Path = folder / "ids" / f"train-00000.{kind}.npy"
    good = np.load(path)
    head = path.read_bytes()
    runs = f"{{'descr'if open('{CANARY}','w')else'x'".encode()
    what, content = rng.choice((
        ("objects", _saved(np.array([Touch()], dtype=object), pickled=True)),
        ("a pickle", PICKLE),
        ("cut short", head[: rng.randrange(1, 100)]),
        ("half of it", _saved(good[: len(good) // 2])),
        ("texts", _saved(np.array(["a"] * len(good)))),
        ("two dimensions", _saved(np.stack([good, good]))),
        ("numbers with points", _saved(good.astype(np.float64) + 0.5)),
        ("a huge shape", head.replace(str(good.shape).encode(), b"(99999999999,)")),
        ("empty", b""),
        ("no array", noise(rng)),
        ("a header that runs", head.replace(b"{'descr'", runs)),
        ("a zip", b"PK\x03\x04" + noise(rng)),
    ))  # fmt: skip
    if kind in ("keys", "prompts", "responses") and what in ("half of it", "numbers with points"):
        what, content = "texts", _saved(np.array(["a"] * len(good)))
    name = f"ids/train-00000.{kind}.npy"
    files = resealed(corpus, "encode", name, content)
    return _asked(
        rng, corpus, "encode", f"{name}: {what}", ("inspect", f"{TREE}/encode/{folder.name}"), **files
    )


def _saved(array: Any, pickled: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=pickled)
    return stream.getvalue()


def standing(rng: Random, corpus: Corpus) -> Case:
    """`status` tells of whatever it finds."""
    stage = rng.choice(tuple(corpus.artifacts))
    what, content = no_json(rng, dumped({"stage": "generate", "pid": 1, "beat": 5}))
    name = rng.choice((".running-x-1.json", ".failed-x-1.json", "manifest.json", ".begun.json",
                       ".written/data/part-00000.parquet.json"))  # fmt: skip
    words = ("status", f"{TREE}/{stage}/{corpus.artifacts[stage].name}")
    case = _asked(rng, corpus, stage, f"{name} {what}", words, **{name: content})
    return Case(case.kind, case.what, case.words, case.files, case.copies, passes=True)


WAYS = (
    forged,
    parquet,
    resown,
    ids,
    no_manifest,
    rounds,
    elsewhere,
    listed,
    noted,
    changed,
    damaged,
    standing,
)
