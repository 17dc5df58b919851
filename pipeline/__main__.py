"""The command line: `python -m pipeline <stage> --recipe NAME`, also installed as `distill`."""

from __future__ import annotations

import sys

from pipeline.cli import main

if __name__ == "__main__":
    sys.exit(main())
