"""What Alembic runs: all changes that are missing, in the transaction that ``Database.migrate`` opened."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from netweft.engine.model.base import Json, Utc
from netweft.engine.model.everything import metadata


def _render(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Our column types by the names that the tables use."""
    if kind == "type" and isinstance(item, Utc):
        autogen.imports.add("from netweft.engine.model.base import Utc")
        return "Utc()"
    if kind == "type" and item is Json:
        autogen.imports.add("from netweft.engine.model.base import Json")
        return "Json"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can alter little of a table in place: Alembic then makes it anew and copies the rows
    render_item=_render,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
