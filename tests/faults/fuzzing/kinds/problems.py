"""A user's own problems: mazes, theories, positions, games and puzzles."""

from __future__ import annotations

import gzip
import json
from random import Random

from faults.fuzzing.case import CANARY, Case
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.mutation import cut, deep, noise

MAZE = ["S..#.", ".#...", ".#.#.", "...#G", "....."]
FEN = "r1bqkbnr/pppp1ppp/2n5/4p3/2B1P3/5N2/PPPP1PPP/RNBQK2R b KQkq - 3 3"
THEORY = "big(bob).\nkind(X) :- big(X), -sad(X).\n?- kind(bob).\n"
RECORD = {"id": "one", "context": "Bob is big. If someone is big then they are kind.",
          "question": "Bob is kind.", "options": ["A) True", "B) False", "C) Unknown"],
          "answer": "A"}  # fmt: skip
GAME = '[Event "a"]\n[White "b"]\n[Black "c"]\n[Result "*"]\n\n1. e4 e5 2. Nf3 Nc6 *\n'
PUZZLES = ["PuzzleId,FEN,Moves,Rating", f"00001,{FEN},g8f6 d2d3,1500"]
TOUCH = f"touch {CANARY}"


def _asked(rng: Random, corpus: Corpus, domain: str, what: str, name: str, content: bytes | str) -> Case:
    """A file for a command that reads problems of the domain."""
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    source = name
    if isinstance(content, str) and "\n" in content and "\x00" not in content and len(content) < 100_000:
        source = rng.choice((name, content))  # the text itself on the command line
    checkpoint = str(corpus.checkpoint(domain))
    words = rng.choice((
        ("solve", "--checkpoint", checkpoint, "--problem", source),
        ("solve", "--checkpoint", checkpoint, "--problem", source, "--samples", "2", "--pictures", "p"),
        ("evaluate", "--checkpoint", checkpoint, "--on", source),
        ("conform", domain, "--problem", source),
        ("generate", "--recipe", "r.yaml", "--workers", "1", f"--domain.source={name}"),
    ))  # fmt: skip
    recipe = f"domain: {{name: {domain}}}\ngenerate: {{rows: 4, shard_rows: 2}}\n".encode()
    kind = {"maze": "mazes", "prolog": "theories", "chess": "positions"}[domain]
    return Case(kind, what, words, {name: data, "r.yaml": recipe})


def maze(rng: Random, corpus: Corpus) -> Case:
    lines = list(MAZE)
    at = rng.randrange(len(lines))
    what, spoilt = rng.choice((
        ("a short line", [*lines[:at], lines[at][:3], *lines[at + 1 :]]),
        ("another sign", [*lines[:at], rng.choice(("S..x.", "..\u202e..", ".\x00...", "日本語の木"))]),
        ("two starts", [*lines, "S...."]),
        ("no goal", [line.replace("G", ".") for line in lines]),
        ("no start", [line.replace("S", "#") for line in lines]),
        ("nothing", []),
        ("blank lines", ["", "   ", "\t"]),
        ("tabs", [line.replace(".", "\t") for line in lines]),
        ("a wall between", ["S#...", "##...", "....G", ".....", "....."]),
        ("a line of 10 MB", [*lines, "." * 10_000_000]),
        ("a million lines", ["S.G"] + ["..."] * 400_000 + [".."]),
        ("one cell", ["S"]),
        ("start and goal alone", ["SG", "S"]),
        ("a huge maze", ["S" + "." * 3000 + "G"] + ["." * 3002] * 50 + ["x"]),
    ))  # fmt: skip
    return _asked(rng, corpus, "maze", what, "m.txt", "\n".join(spoilt) + "\n")


def maze_bytes(rng: Random, corpus: Corpus) -> Case:
    content = "\n".join(MAZE).encode()
    what, data = rng.choice((
        ("binary", noise(rng)),
        ("UTF-16", "\n".join(MAZE).encode("utf-16")),
        ("Latin-1", b"S..\xe9.\n....G\n"),
        ("gzip", gzip.compress(content)),
        ("empty", b""),
        ("NULs", b"\x00" * 100_000),
        ("a Parquet file cut", b"PAR1" + noise(rng)),
    ))  # fmt: skip
    return _asked(rng, corpus, "maze", what, rng.choice(("m.txt", "m.parquet", "m\n.txt")), data)


def theory(rng: Random, corpus: Corpus) -> Case:
    head = "big(bob).\n"
    what, text = rng.choice((
        ("a directive", f"{head}:- shell('{TOUCH}').\n?- big(bob).\n"),
        ("an initialization", f"{head}:- initialization(shell('{TOUCH}')).\n?- big(bob).\n"),
        ("an initialization of main", f":- initialization(shell('{TOUCH}'), main).\n{head}?- big(bob).\n"),
        ("a term expansion", f"term_expansion(_, _) :- shell('{TOUCH}').\n{head}?- big(bob).\n"),
        ("a goal that runs", f"{head}?- shell('{TOUCH}').\n"),
        ("a body that runs", f"big(X) :- shell('{TOUCH}'), kind(X).\n?- big(bob).\n"),
        ("consult", f"{head}:- consult('/etc/passwd').\n?- big(bob).\n"),
        ("include", f"{head}:- include('/etc/passwd').\n?- big(bob).\n"),
        ("a list to load", f"{head}:- ['/etc/passwd'].\n?- big(bob).\n"),
        ("op/3", f"{head}:- op(700, xfx, ===>).\na ===> b.\n?- big(bob).\n"),
        ("a flag", f"{head}:- set_prolog_flag(double_quotes, codes).\n?- big(bob).\n"),
        ("halt", f"{head}:- halt.\n?- big(bob).\n"),
        ("a module", f":- module(user, [big/1]).\n{head}?- big(bob).\n"),
        ("a grammar rule", f"{head}big --> kind.\n?- big(bob).\n"),
        ("encoding", f":- encoding(utf16le).\n{head}?- big(bob).\n"),
        ("conditional compilation", f":- if(shell('{TOUCH}')).\n{head}:- endif.\n?- big(bob).\n"),
        ("a quasi quotation", f"{head}x :- {{|javascript||{TOUCH}|}}.\n?- big(bob).\n"),
        ("a string that runs", f'{head}:- "{TOUCH}".\n?- big(bob).\n'),
        ("a lost bracket", "big(bob.\n?- big(bob).\n"),
        ("no end", "big(bob)\n?- big(bob)\n"),
        ("an open quote", "big('bob).\n?- big(bob).\n"),
        ("an open comment", f"{head}/* ?- big(bob).\n"),
        ("no goal", head),
        ("a goal alone", "?- big(bob).\n"),
        ("a goal with a variable", f"{head}?- big(X).\n"),
        ("an unknown predicate", f"{head}?- kind(bob).\n"),
        ("four arguments", "gives(a, b, c, d).\n?- gives(a, b, c, d).\n"),
        ("a compound argument", "big(f(bob)).\n?- big(f(bob)).\n"),
        ("a number", "big(5).\n?- big(5).\n"),
        ("a list", "big([a, b]).\n?- big([a, b]).\n"),
        ("a cut", "big(X) :- kind(X), !.\nkind(bob).\n?- big(bob).\n"),
        ("a disjunction", "big(X) :- kind(X) ; sad(X).\nkind(bob).\n?- big(bob).\n"),
        ("an assertion", f"{head}big(X) :- assertz(kind(X)).\n?- big(bob).\n"),
        ("many arguments", f"big({', '.join(['a'] * 5000)}).\n?- big(a).\n"),
        ("a deep term", "big(" + "f(" * 100_000 + "a" + ")" * 100_000 + ").\n?- big(a).\n"),
        ("deep brackets", "(" * 200_000 + "big(a)" + ")" * 200_000 + ".\n?- kind(a).\n"),
        ("a long name", f"{'a' * 1_000_000}(b, c, d).\n?- x(a).\n"),
        ("a cyclic term", "big(X) :- X = f(X).\n?- big(bob).\n"),
        ("many variables", "big(X) :- " + ", ".join(f"r(X{at}, X)" for at in range(400)) + ".\n?- big(a).\n"),
        ("a wrong label", "big(bob). % answer: maybe\n?- big(bob). % answer: maybe\n"),
        ("control characters", "big(\x1b[31mbob).\n?- big(bob).\n"),
        ("a NUL", "big(bob).\x00\n?- big(bob).\n"),
    ))  # fmt: skip
    return _asked(rng, corpus, "prolog", what, "t.pl", text)


def records(rng: Random, corpus: Corpus) -> Case:
    one = dict(RECORD)
    what, data = rng.choice((
        ("cut short", cut(rng, json.dumps(one).encode())),
        ("no question", json.dumps({"context": "Bob is big."}).encode()),
        ("a number for a text", json.dumps({**one, "context": 5}).encode()),
        ("nested", deep(100_000)),
        ("a deep record", b'{"context": ' + deep(50_000) + b"}"),
        ("an empty list", b"[]"),
        ("a list of lists", b"[[]]"),
        ("a number", b"[5]"),
        ("another answer", json.dumps({**one, "answer": "Q"}).encode()),
        ("strange options", json.dumps({**one, "options": [5, {}]}).encode()),
        ("no English", json.dumps({**one, "context": "\u202e\u0000 xyzzy plugh."}).encode()),
        ("an empty text", json.dumps({**one, "context": "", "question": ""}).encode()),
        ("a sentence without end", json.dumps({**one, "context": "Bob is " + "big and " * 50_000}).encode()),
        ("Prolog within", json.dumps({**one, "question": f":- shell('{TOUCH}')."}).encode()),
        ("a long number", json.dumps({**one, "id": "x"}).encode()[:-1] + b', "n": ' + b"9" * 9000 + b"}"),
    ))  # fmt: skip
    if what == "a long number":
        data = data.replace(b"Bob is kind.", b"Xyz plugh?")
    return _asked(rng, corpus, "prolog", what, rng.choice(("t.json", "t.jsonl")), data)


def fen(rng: Random, corpus: Corpus) -> Case:
    fields = FEN.split()
    what, text = rng.choice((
        ("no king", FEN.replace("k", "p")),
        ("three kings", FEN.replace("q", "k")),
        ("nine files", FEN.replace("pppp1ppp", "pppp1pppp")),
        ("seven ranks", FEN.replace("/8", "").replace("/pppp1ppp", "")),
        ("no side", " ".join([fields[0], "x", *fields[2:]])),
        ("castling that cannot be", " ".join([*fields[:2], "ABCDEFGH", *fields[3:]])),
        ("en passant that cannot be", " ".join([*fields[:3], "z9", *fields[4:]])),
        ("two fields", " ".join(fields[:2])),
        ("negative clocks", " ".join([*fields[:4], "-5", "-6"])),
        ("clocks of 6,000 digits", " ".join([*fields[:4], "9" * 6000, "9" * 6000])),
        ("a pawn on the last rank", FEN.replace("r1bqkbnr", "p1bqkbnr")),
        ("the other side in check", "4k3/8/8/8/8/8/8/4K2q b - - 0 1"),
        ("mate", "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"),
        ("words", "a position of chess\nand another\n"),
        ("a million slashes", "/" * 1_000_000 + " w - - 0 1"),
        ("digits", "8" * 5000 + "/8/8/8/8/8/8/8 w - - 0 1"),
        ("another alphabet", FEN.replace("r", "\u0440")),
        ("an EPD of another move", f"{' '.join(fields[:4])} bm a1;"),
        ("an EPD of no move", f"{' '.join(fields[:4])} bm Qz9;"),
    ))  # fmt: skip
    return _asked(rng, corpus, "chess", what, rng.choice(("p.fen", "p.epd", "p.txt")), text + "\n")


def pgn(rng: Random, corpus: Corpus) -> Case:
    what, text = rng.choice((
        ("an open comment", GAME.replace("2.", "{ never closed")),
        ("an open variation", GAME.replace("2.", "( 1... e6 2.")),
        ("nested variations", GAME.replace("2.", "(" * 5000 + " e6 " + ")" * 4999 + " 2.")),
        ("an illegal move", GAME.replace("Nf3", "Nf6")),
        ("a move that is none", GAME.replace("Nf3", "Nz9")),
        ("an ambiguous move", GAME.replace("1. e4 e5 2. Nf3 Nc6", "1. Nf3 a6 2. Nc3 a5 3. Nd4 a4 4. Nb5 x9")),
        ("a header bomb", '[A "b"]\n' * 100_000 + "\n1. e5 *\n"),
        ("a header of 5 MB", f'[Event "{"x" * 5_000_000}"]\n\n1. e5 *\n'),
        ("an impossible FEN", GAME.replace("\n\n", '\n[FEN "8/8/8/8/8/8/8/8 w - - 0 1"]\n\n')),
        ("another variant", GAME.replace("\n\n", '\n[Variant "Atomic"]\n\n')),
        ("headers of controls", GAME.replace("Event", "Event\x1b[31m").replace("e4", "e5")),
        ("a variant of controls", GAME.replace("\n\n", '\n[Variant "\u202ex"]\n\n')),
        ("a pass", GAME.replace("Nf3", "--")),
        ("a long move", GAME.replace("Nf3", "N" + "f" * 200_000 + "3")),
        ("a bracket alone", "[\n"),
        ("comments alone", "{" * 100_000),
        ("numbers alone", "1. " * 100_000 + "Zz9"),
    ))  # fmt: skip
    if rng.random() < 0.25:
        checkpoint = str(corpus.checkpoint("chess"))
        words = ("match", "--checkpoint", checkpoint, "--against", "random", "--games", "2")
        return Case(
            "positions", f"{what} in openings", (*words, "--openings", "g.pgn"), {"g.pgn": text.encode()}
        )
    return _asked(rng, corpus, "chess", what, "g.pgn", text)


def puzzles(rng: Random, corpus: Corpus) -> Case:
    head, line = PUZZLES
    cells = line.split(",")
    what, text = rng.choice((
        ("a column that is missing", f"PuzzleId,FEN\n{','.join(cells[:2])}\n"),
        ("an illegal move", "\n".join((head, line.replace("g8f6", "g8g1")))),
        ("a move that is none", "\n".join((head, line.replace("d2d3", "zz")))),
        ("one move", "\n".join((head, line.replace(" d2d3", "")))),
        ("another rating", "\n".join((head, line.replace("1500", "-5")))),
        ("a rating of 6,000 digits", "\n".join((head, line.replace("1500", "9" * 6000)))),
        ("an open quote", f'{head}\n"{line}\n'),
        ("a field of 200 kB", f"{head}\n{'x' * 200_000},{','.join(cells[1:])[:-12]},1\n"),
        ("few cells", f"{head}\n00001\n"),
        ("a NUL", f"{head}\n00001\x00,,\n"),
        ("no FEN", f"{head}\n00001,,e2e4 e7e5,1\n"),
        ("no id", f"{head}\n,{','.join(cells[1:])}\n"),
        ("the head alone", f"{head}\n"),
        ("an empty PGN", "PuzzleId,PGN,Moves,Rating\n1,   ,e2e4 e7e5,3\n"),
        ("a PGN of nothing", 'PuzzleId,PGN,Moves,Rating\n1,"%",e2e4 e7e5,3\n'),
        ("a head twice", f"{head},{head}\n{line}\n"),
    ))  # fmt: skip
    return _asked(rng, corpus, "chess", what, "p.csv", text)


def positions_bytes(rng: Random, corpus: Corpus) -> Case:
    packed = gzip.compress(GAME.encode() * 50)
    what, name, data = rng.choice((
        ("gzip cut short", "g.pgn.gz", cut(rng, packed)),
        ("gzip of nothing", "g.pgn.gz", gzip.compress(b"")),
        ("no gzip", "g.pgn.gz", b"\x1f\x8b" + noise(rng)),
        ("no zstd", "g.pgn.zst", b"\x28\xb5\x2f\xfd" + noise(rng)),
        ("binary", "p.fen", noise(rng)),
        ("UTF-16", "p.fen", FEN.encode("utf-16")),
        ("empty", "p.csv", b""),
        ("a Parquet file", "p.fen", b"PAR1" + noise(rng)),
        ("a bomb of gzip", "p.fen.gz", gzip.compress(b"x" * 50_000_000)),
    ))  # fmt: skip
    return _asked(rng, corpus, "chess", what, name, data)


def no_file(rng: Random, corpus: Corpus) -> Case:
    domain = rng.choice(("maze", "prolog", "chess"))
    source = rng.choice(("missing.txt", ".", "/", "/etc/shadow/x", "a" * 5000, "", " ", "~/x", "\udcff.txt",
                         "file:///etc/passwd", "memory://x", "r.yaml/x", "\x1b[31m"))  # fmt: skip
    words = rng.choice((
        ("solve", "--checkpoint", str(corpus.checkpoint(domain)), "--problem", source),
        ("evaluate", "--checkpoint", str(corpus.checkpoint(domain)), "--on", source),
        ("conform", domain, "--problem", source or "."),
    ))  # fmt: skip
    return Case("places", f"no file but {source[:40]!a}", words, {"r.yaml": b"x"})


WAYS = (maze, theory, fen, pgn, records, puzzles, maze_bytes, positions_bytes, theory, no_file)
