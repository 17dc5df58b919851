"""What every test shares: a quiet environment, reproducible properties, golden files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

# Before anything imports torch or transformers. One thread: small tensors are slower on two, and the order of
# a sum would depend on their number. Child processes inherit all of it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "reproducible"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden files from what is computed"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out `slow` unless -m asks, `gpu`, `browser` and `cluster` where there is none; `engine` never."""
    asked = config.option.markexpr
    browserless = _no_browser()
    for item in items:
        if "slow" in item.keywords and "slow" not in asked:
            item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))
        if "gpu" in item.keywords and not _has_gpu():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
        if "browser" in item.keywords and browserless:
            item.add_marker(pytest.mark.skip(reason=browserless))
        if "cluster" in item.keywords and find_spec("ray") is None:
            item.add_marker(pytest.mark.skip(reason="needs Ray: pip install -e '.[ray]'"))


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _no_browser() -> str:
    """Why the tests of pages cannot run; empty where they can."""
    if shutil.which("chromium") is None:
        return "needs Chromium: `make setup` installs it where it may, else `apt-get install chromium`"
    if find_spec("playwright") is None:
        return "needs Playwright: `make setup` installs it"
    return ""


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of that name; --update-golden writes it in place of comparing."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert path.is_file(), f"{path} does not exist; write it with pytest --update-golden"
        assert text == path.read_text(), (
            f"{name} differs; if that is meant, raise the version and --update-golden"
        )

    return compare
