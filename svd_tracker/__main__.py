"""``python -m svd_tracker …``, also ``svd …``. Exit codes: 0 done, 1 refused or found wrong, 2 wrong use."""

import sys

from svd_tracker.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
