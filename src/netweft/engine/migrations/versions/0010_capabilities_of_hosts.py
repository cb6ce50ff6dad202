"""What hosts are and can do beside their reports, of which lists then read nothing."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from netweft.engine.model.base import Json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and take what it holds out of the reports that are there."""
    op.add_column("host_reports", sa.Column("capabilities", Json, server_default="{}", nullable=False))
    reports = sa.table("host_reports", sa.column("host_id"), sa.column("report"), sa.column("capabilities", Json))
    connection = op.get_bind()
    for host_id in list(connection.scalars(sa.select(reports.c.host_id))):
        here = reports.c.host_id == host_id
        report = json.loads(connection.execute(sa.select(reports.c.report).where(here)).scalar_one())
        connection.execute(sa.update(reports).where(here).values(capabilities=report["capabilities"]))
