"""The program ``netweft``: the engine, an agent, or the command line of an engine, each with only its own libraries."""

from __future__ import annotations

import sys


def main() -> int:
    """Run what the first argument names; returns the exit status."""
    match sys.argv[1:]:
        case ["serve", *arguments]:
            from netweft.engine.app import main as serve  # noqa: PLC0415 - needs the extra "engine"

            return serve(arguments)
        case ["agent", *arguments]:
            from netweft.agent.main import main as agent  # noqa: PLC0415 - needs the extra "agent"

            return agent(arguments)
        case _:
            from netweft.cli.main import cli  # noqa: PLC0415 - needs the extra "cli"

            cli(prog_name="netweft")  # ends the program itself, with the exit status of the command
            return 0


if __name__ == "__main__":
    sys.exit(main())
