"""Packages as pip leaves them: a module, and the metadata that registers its domain."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def example() -> str:
    """The complete domain of the README."""
    (found,) = re.findall(
        r'^```python\n("""Sliding tiles.*?)^```', README.read_text(), re.DOTALL | re.MULTILINE
    )
    return str(found)


def install(site: Path, package: str, source: str, domain: str = "tiles", target: str = "") -> Path:
    """Install a package of one module, which is called as its domain; gives the folder of packages."""
    module = package.replace("-", "_")
    site.mkdir(parents=True, exist_ok=True)
    (site / f"{module}.py").write_text(source)
    about = site / f"{module}-1.0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[distill.domains]\n{domain} = {target or f'{module}:Tiles'}\n")
    return site
