"""The command ``resultspec-runs``."""

import sys


def main() -> None:
    """Run the command line, or say what is missing to run it."""
    try:
        from ._commands import commands
    except ModuleNotFoundError as error:
        print(f"resultspec-runs: {error.name} is not installed: pip install 'resultspec[engine]'", file=sys.stderr)
        sys.exit(2)
    commands(prog_name="resultspec-runs")


if __name__ == "__main__":
    main()
