"""Tags, and what has them."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import PrimaryKeyConstraint, String, Table, UniqueConstraint

from netweft.engine.model.base import metadata, reference
from netweft.engine.model.records import Key, LongText, Record, Refers, stored


class TagRow(Record, frozen=True):
    """A tag."""

    id: Key
    name: Annotated[str, String(50)]
    description: LongText = ""
    # Null: the root, which has no row.
    parent_id: Annotated[str, Refers("tags.id", on_delete="CASCADE")] | None = None


tags = stored(
    "tags",
    TagRow,
    UniqueConstraint("name"),
)


def _tagged(noun: str) -> Table:
    return Table(
        f"{noun}_tags",
        metadata,
        reference("tag_id", "tags.id", on_delete="CASCADE", index=False),
        reference(f"{noun}_id", f"{noun}s.id", on_delete="CASCADE"),
        PrimaryKeyConstraint("tag_id", f"{noun}_id"),
    )


vm_tags, host_tags, template_tags = _tagged("vm"), _tagged("host"), _tagged("template")
"""Which tags machines, hosts and templates have."""
