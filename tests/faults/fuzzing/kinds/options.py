"""Options: numbers, texts and places on the command line, SQL, the lines of a chess program."""

from __future__ import annotations

from random import Random

from faults.fuzzing.case import CANARY, Case
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.mutation import noise

NUMBERS = ("-1", "abc", "1.5", "", "nan", "1e3", "9" * 6000, "0x10", "\u0663x", "--", "[1]", "-9" * 40)
RECIPE = b"domain: {name: maze, width: 5, height: 5}\ngenerate: {rows: 4, shard_rows: 2}\n"
GARBAGE = ("x", "../..", "/", "\x1b[31m", "\udcff", "é" * 3000, "a\nb", "://", "nosuch://bucket/x", "s3:/x",
           "file:/x", "http:\\x", "-", "%00", "{}", "*")  # fmt: skip


def number(rng: Random, corpus: Corpus) -> Case:
    value = rng.choice(NUMBERS)
    maze, chess = str(corpus.checkpoint("maze")), str(corpus.checkpoint("chess"))
    evaluation = str(corpus.artifacts["evaluate"])
    words = rng.choice((
        ("generate", "--recipe", "r.yaml", f"--workers={value}"),
        ("evaluate", "--recipe", "r.yaml", f"--workers={value}"),
        ("compile", f"--workers={value}"),
        ("solve", "--checkpoint", maze, "--problem", "S.G", f"--samples={value}"),
        ("solve", "--checkpoint", maze, "--problem", "S.G", f"--temperature={_no_temperature(value)}"),
        ("inspect", evaluation, f"--rows={value}"),
        ("compare", evaluation, evaluation, f"--list={value}"),
        ("match", "--checkpoint", chess, "--against", "random", f"--games={value}"),
        ("match", "--checkpoint", chess, "--against", "stockfish", f"--nodes={value}"),
        ("uci", "--checkpoint", chess, f"--temperature={_no_temperature(value)}"),
        ("uci", "--checkpoint", chess, f"--opening-moves={value}"),
        ("conform", "maze", f"--rows={value}"),
        ("generate", "--recipe", "r.yaml", f"--shards={_no_shards(value)}"),
    ))  # fmt: skip
    return Case("options", f"a number: {value[:30]!a}", words, {"r.yaml": RECIPE})


def _no_temperature(value: str) -> str:
    return "-inf" if value in ("1.5", "1e3") or value.startswith("9") else value


def _no_shards(value: str) -> str:
    return value or "5-2"


def shards(rng: Random, _: Corpus) -> Case:
    value = rng.choice(("0-99999999999999", "5", "0,0-7", "3-1", "-", ",", "0-", "-0", "1-2-3", "a-b", "0;1",
                        "9" * 6000, "0-1,", "1..2", " ", "\u00b2", "0-1e9"))  # fmt: skip
    words = ("generate", "--recipe", "r.yaml", "--shards", value)
    return Case("options", f"--shards {value[:30]!a}", words, {"r.yaml": RECIPE})


def place(rng: Random, corpus: Corpus) -> Case:
    """A path or a URL at which there is nothing that fits."""
    value = rng.choice(GARBAGE)
    evaluation = str(corpus.artifacts["evaluate"])
    words = rng.choice((
        ("inspect", value), ("report", value, "--to", "page.html"), ("compare", evaluation, value),
        ("compare", value, evaluation), ("results", value),
        ("solve", "--checkpoint", value, "--problem", "S.G"),
        ("uci", "--checkpoint", value), ("export", "--checkpoint", value, "--to", "out"),
        ("match", "--checkpoint", value, "--against", "random"),
        ("match", "--checkpoint", str(corpus.checkpoint("chess")), "--against", value),
        ("evaluate", "--checkpoint", value, "--on", "S.G"), ("conform", value),
        ("generate", "--recipe", value), ("sweep", "--recipe", value, "--seed", "1,2"),
        ("fields", "--recipe", value),
        ("generate", "--recipe", "r.yaml", "--problems", value), ("status", f"{value}/nothing"),
        ("train", "--recipe", "r.yaml", f"--fit.start={value}"), ("seal", "--recipe", value),
    ))  # fmt: skip
    if value in ("/", "../..", "*") and words[0] in ("inspect", "status", "results"):
        words = (words[0], "nothing")
    if words[:1] == ("train",):
        words = ("train", "--recipe", "missing", *words[3:])
    return Case("places", f"the place {value[:30]!a}", words, {"r.yaml": RECIPE})


def store(rng: Random, _: Corpus) -> Case:
    """A URL of no store."""
    value = rng.choice(("nosuch://x/y", "://", "s 3://x", "nosuch://", "x+y://z", "\x1b://x", "é://x", "a/b://c",
                        "-://x", "python://os.system", "canary_module://x"))  # fmt: skip
    verb = rng.choice(("generate", "train", "evaluate", "seal", "sweep", "status"))
    words = ["status", "r.yaml"] if verb == "status" else [verb, "--recipe", "r.yaml"]
    words += ["--seed", "1,2"] if verb == "sweep" else []
    code = f"open({CANARY!r}, 'w').close()\n".encode()
    files = {"r.yaml": RECIPE, "canary_module.py": code}
    return Case("places", f"--artifacts {value!a}", (*words, f"--artifacts={value}"), files)


def sql(rng: Random, corpus: Corpus) -> Case:
    value = rng.choice((
        "cost >", "cost", "cost + 1", "nonsense > 5", "1 = 1", "SELECT 1", "cost > (SELECT 1)", "'",
        '"', ";", "",
        "cost > 5; DROP TABLE x", "read_csv('/etc/passwd')",
        "cost IN (SELECT * FROM read_parquet('/etc/x'))",
        "cost > 5 -- x", "cost /* x */ > 5",
        "((((" * 2000, "NOT " * 20_000 + "cost > 5", "cost > 5 AND " * 5000,
        "(" * 3000 + "cost > 5" + ")" * 3000, "cost::x > 5", "cost > 'a'", "trace > 5", "prompt = 5",
        "\udcff = 5", "cost BETWEEN 1", "cost > 5 OVER ()", "SUM(cost) > 5", "cost LIKE 5", "*",
        "cost > 1e999",
        "CAST(cost AS nonsense) > 1", "EXISTS (SELECT 1)", "cost > $1",
        "cost ~ '('", "regexp_like(split, '(')",
        "cost > " + "9" * 6000, "cost < 0", "é" * 5000 + " > 5", "split = 5", "cost = ''", "date(cost) > 5",
        "cost = ANY(cost)", "array_contains(prompt, 5, 6)", "CASE WHEN cost > 5 THEN 1 END",
        "interval '1 x' > cost",
    ))  # fmt: skip
    folder = corpus.artifacts[rng.choice(("generate", "curate"))]
    words = ("inspect", str(folder), f"--where={value}")
    return Case("options", f"--where {value[:40]!a}", words)


def row(rng: Random, corpus: Corpus) -> Case:
    folder = str(corpus.artifacts[rng.choice(("generate", "curate", "evaluate", "train", "encode"))])
    value = rng.choice(("zzz", "", "../x", "g" * 5000, "*", "' OR 1=1", "\udcff", "[", "%", "\x1b[31m"))
    more = rng.choice(((), ("--step",), ("--where=cost > 1",), ("--rows=-5",)))
    if not value:
        more = ("--where=cost > 1",)
    return Case("options", f"--row {value[:20]!a} {more}", ("inspect", folder, f"--row={value}", *more))


def target(rng: Random, corpus: Corpus) -> Case:
    """A place to write to that cannot be written, or is not to be."""
    evaluation, maze = str(corpus.artifacts["evaluate"]), str(corpus.checkpoint("maze"))
    value = rng.choice(("there", "file/x", "file", "/proc/x/y", "", "a" * 400, "/dev/full/x"))
    words = rng.choice((
        ("export", "--checkpoint", maze, f"--to={value}"),
        ("report", evaluation, f"--to={value if value != 'file' else 'there'}"),
        ("compare", evaluation, evaluation, f"--json={value if value != 'file' else 'there'}"),
        ("results", evaluation, f"--to={value}"),
        ("results", evaluation, f"--over-seeds={value}"),
    ))  # fmt: skip
    return Case("places", f"to {value[:20]!a}", words, {"there/full": b"x", "file": b"x"})


def name(rng: Random, corpus: Corpus) -> Case:
    evaluation = str(corpus.artifacts["evaluate"])
    chess = str(corpus.checkpoint("chess"))
    value = rng.choice(("nonsense", "model 99", "", "../x", "é" * 3000, "\x1b[31m", "start\n", "5", "*"))
    words = rng.choice((
        ("compare", evaluation, evaluation, f"--checkpoint-a={value}"),
        ("compare", evaluation, evaluation, f"--checkpoint-b={value}"),
        ("compare", evaluation, evaluation, f"--rule={value}"),
        ("compare", evaluation, evaluation, f"--by={value}"),
        ("results", evaluation, f"--checkpoint={value}"),
        ("sweep", "--recipe", "r.yaml", "--seed=1,2", f"--through={value}"),
        ("generate", "--recipe", "r.yaml", f"--executor={value}"),
        ("generate", "--recipe", "r.yaml", f"--address={value}"),
        ("conform", "maze", f"--domain.ties={value}"),
        ("match", "--checkpoint", chess, "--against", "random", f"--openings={value or '.'}"),
    ))  # fmt: skip
    return Case("options", f"a name: {value[:20]!a}", words, {"r.yaml": RECIPE})


def words_too_many(rng: Random, corpus: Corpus) -> Case:
    verb = rng.choice(("recipes", "fields", "compile", "seal", "solve", "inspect", "compare", "export", "uci",
                       "match", "results", "status", "sweep", "conform", "generate", "nonsense", "", "-x",
                       "--", "é", "generate evaluate"))  # fmt: skip
    more = rng.choice((("--nonsense=1",), ("--nonsense",), ("extra", "words"), ("--", "--recipe"), ("-q",),
                       ("--class_path=os.system",), ("--=5",), ("--recipe",), ("\udcff",)))  # fmt: skip
    if verb in ("inspect", "status", "results", "conform", "recipes") and more[0].startswith("extra"):
        more = ("--nonsense=1",)
    if verb == "compile":
        more = ("--workers=-1",)
    return Case("options", f"words {more!a}", (verb, *more))


def uci(rng: Random, corpus: Corpus) -> Case:
    """Whatever a chess program may say: an engine passes over what it does not understand."""
    lines = [
        b"position fen 8/8/8/8/8/8/8/8 w - - 0 1", b"position fen nonsense",
        b"position startpos moves e2e5",
        b"position", b"position fen", b"go", b"go nodes -5", b"go depth abc", b"go movetime",
        b"go infinite", b"stop",
        b"setoption", b"setoption name", b"setoption name MultiPV value 99999",
        b"setoption name X value \xff",
        b"setoption name Temperature value nan", b"setoption name Seed value -1", b"uci", b"isready",
        b"ucinewgame",
        b"go searchmoves zz99", b"go searchmoves e2e4", b"position startpos moves " + b"e2e4 " * 500,
        b"\x00\x01", b"",
        b"x" * 100_000, b"position startpos", b"debug on", b"register", b"ponderhit", noise(rng),
        b"go ponder",
        b"setoption name MultiPV value " + b"9" * 6000, b"setoption name Seed value " + b"9" * 6000,
        b"go wtime -1 btime abc", b"position fen " + b"8/" * 5000,
        "setoption name Threads value \u0665".encode(),
    ]  # fmt: skip
    typed = b"\n".join(rng.choices(lines, k=rng.randrange(1, 12)))
    if rng.random() < 0.5:
        typed += b"\nquit\n"
    words = ("uci", "--checkpoint", str(corpus.checkpoint("chess")))
    return Case("uci", f"{typed[:60]!a}", words, typed=typed, passes=True)


WAYS = (number, sql, place, store, row, target, name, words_too_many, shards, uci)
