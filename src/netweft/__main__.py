"""The program ``netweft``: the engine, an agent, or the command line of an engine, each with only its own libraries."""

from __future__ import annotations

import sys

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

            cli(prog_name="netweft")  # ends the program itself, with the exit status of the command
            return 0


if __name__ == "__main__":
    sys.exit(main())
