"""Pages of traces alone, written to disk for a browser."""

from __future__ import annotations

from pathlib import Path

from pipeline.artifact import Artifact
from pipeline.page.traces import Part, section

TEMPLATES = Path(section.__code__.co_filename).parents[1] / "templates"


def write(path: Path, *named: tuple[str, Artifact], rollouts: int = 1000, playable: int = 300) -> Path:
    """A page with the traces of artifacts; raises AssertionError where there is nothing to list."""
    part = section(named, rollouts, playable)
    assert part.html
    path.write_text(page(part), "utf-8")
    return path


def page(part: Part) -> str:
    """The part in the smallest page that could hold it, under the report's style and policy."""
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {part.policy}"
    style = (TEMPLATES / "report.css").read_text("utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>traces</title><style>{style}\n{part.style}</style></head>"
        f'<body><main><h2 id="traces">Traces</h2>{part.html}</main></body></html>'
    )
