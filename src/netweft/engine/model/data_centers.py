"""Data centres."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import String, UniqueConstraint

from netweft.core.rules.data_center import DEFAULT_VERSION
from netweft.engine.model.records import Key, LongText, Name, Record, stored


class DataCenterRow(Record, frozen=True):
    """A data centre."""

    id: Key
    name: Name
    description: LongText = ""
    comment: LongText = ""
    # Whether its hosts have storage of their own; kept for clients that ask, nothing here depends on it.
    local: bool = False
    # Compatibility version, "4.7".
    version: Annotated[str, String(8)] = DEFAULT_VERSION


data_centers = stored(
    "data_centers",
    DataCenterRow,
    UniqueConstraint("name"),
)
