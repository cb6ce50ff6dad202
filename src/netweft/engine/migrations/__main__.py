"""``python -m netweft.engine.migrations "What changes"``: writes the step from the newest migration to engine.model.

Read what it wrote, edit it, and give it the format of the house.
"""

from __future__ import annotations

import sys
import tempfile

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from netweft.engine.db import Database


def main(message: str) -> None:
    """Compare a fresh database, brought to the newest migration, with the tables as they are declared."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/netweft.db")
        db.migrate()
        config = Config()
        config.set_main_option("script_location", "netweft.engine:migrations")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        number = sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions()) + 1
        with db.read() as tx:
            config.attributes["connection"] = tx
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
        db.close()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
