"""The command ``resultspec``."""

import gc
import sys


def main() -> None:
    """Run the command line, or say what is missing to run it."""
    gc.disable()  # nothing of what is imported becomes garbage
    try:
        from .cli import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            _say(f"resultspec: {error.name} is not installed; install the suite with: pip install 'resultspec[conformance]'")
        )
    gc.enable()
    run()


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
