"""The command ``resultspec-service``."""

import sys


def main() -> None:
    """Run the command line, or say what is missing to run it."""
    try:
        from ._command import command
    except ModuleNotFoundError as error:
        print(f"resultspec-service: {error.name} is not installed: pip install 'resultspec[service]'", file=sys.stderr)
        sys.exit(2)
    command(prog_name="resultspec-service")


if __name__ == "__main__":
    main()
