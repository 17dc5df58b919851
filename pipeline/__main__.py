"""The command line: `python -m pipeline <stage> --recipe NAME`, also installed as `distill`."""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """Run the command line; Ctrl-C while it is still being imported ends it quietly.

    So it does all the while with `inspect`, which imports what it needs as it goes and writes nothing.
    """
    # Libraries that are half imported may swallow a KeyboardInterrupt, or turn it into a fault of their own.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from pipeline.cli import main as run

    if interruptible and sys.argv[1:2] != ["inspect"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
