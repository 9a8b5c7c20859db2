"""``python -m svd_tracker …``, also ``svd …``. Exit codes: 0 done, 1 refused or found wrong, 2 wrong use."""

import sys
from importlib.util import find_spec

OLDEST = (3, 11)


def main() -> int:
    """Commands that set things up run on any Python; the others go on inside the virtual environment."""
    if sys.version_info < OLDEST:
        sys.stderr.write(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.\n")
        return 1
    from svd_tracker import bootstrap

    arguments = sys.argv[1:]
    if not arguments or arguments[0] == "help":
        bootstrap.say(bootstrap.HELP)
        return 0
    installed = find_spec("flask_security") is not None
    if arguments[0] in bootstrap.COMMANDS or (arguments[0] == "demo" and not installed):
        return bootstrap.run(arguments)
    if not installed:
        if not bootstrap.python().exists():
            sys.stderr.write("Nothing is installed yet. First: python -m svd_tracker setup\n")
            return 1
        return bootstrap.hand_over(["-m", "svd_tracker", *arguments])
    from svd_tracker.cli import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
