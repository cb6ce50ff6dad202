"""Tags, and what has them."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

from netweft.engine.model.base import id_column, metadata, reference

tags = Table(
    "tags",
    metadata,
    id_column(),
    Column("name", String(50), nullable=False),
    Column("description", Text, nullable=False),
    # Null: the root, which has no row.
    reference("parent_id", "tags.id", nullable=True, on_delete="CASCADE"),
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
