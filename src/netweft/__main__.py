"""The program ``netweft``: the engine, an agent, or the command line of an engine, each with only its own libraries."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from netweft.extras import needs_extra


def main() -> int:
    """Run what the first argument names; returns the exit status."""
    match sys.argv[1:]:
        case ["serve", *arguments]:
            with needs_extra("netweft serve", "engine"):
                from netweft.serve import main as serve  # noqa: PLC0415 - see above

            return serve(arguments)
        case ["backup" | "restore" as name, *arguments]:
            with needs_extra(f"netweft {name}", "engine"):
                from netweft.engine.backup.main import backup_main, restore_main  # noqa: PLC0415 - see above

            return (backup_main if name == "backup" else restore_main)(arguments)
        case ["agent", *arguments]:
            with needs_extra("netweft agent", "agent", "cryptography"):
                from netweft.agent.main import main as agent  # noqa: PLC0415 - see above

            return agent(arguments)
        case _:
            with needs_extra("netweft", "cli", "httpcore", "yaml"):
                from netweft.cli.main import cli  # noqa: PLC0415 - see above

            return _run(lambda: cli(prog_name="netweft"))


def _run(command_line: Callable[[], object]) -> int:
    """Run what ends the program itself, with the exit status of the command; returns that of output that cannot be
    written, as on a full disk.
    """
    try:
        command_line()
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"Error: {place}{error.strerror or error}.\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be written has no place
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
