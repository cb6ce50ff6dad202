"""Reads of templates."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from netloom.core.errors import NotFoundError
from netloom.engine.db import Tx
from netloom.engine.model.templates import templates

BLANK_ID = "00000000-0000-0000-0000-000000000000"
"""The id of the template Blank, the same in every engine (oVirt)."""


def select() -> sa.Select[Any]:
    """Every column of templates."""
    return sa.select(templates)


def get(tx: Tx, template_id: str) -> sa.Row[Any]:
    """One row of :func:`select`; raises NotFoundError."""
    row = tx.execute(select().where(templates.c.id == template_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no template with the id {template_id}.")
    return row
