"""Renewing certificates before they expire: the engine's own two at once, those of hosts by jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from netweft.engine.agents import Agents
from netweft.engine.db import Database
from netweft.engine.operations.certificates import renew_due
from netweft.engine.pki import renew_client
from netweft.engine.secrets import SecretBox
from netweft.engine.worker import Timer

_EVERY = 3600.0
_CHECKS = 24
"""Checks during the life of a certificate, at least."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Renewal:
    """The renewals of one replica. ``renew_server``: renews the certificate that clients see, if it is due."""

    agents: Agents
    box: SecretBox
    renew_server: Callable[[], None]

    def timer(self) -> Timer:
        """The timer that calls :meth:`round`, several times within the life of a certificate."""
        life = self.agents.authority.life.total_seconds()
        return Timer(name="certificates", every=min(_EVERY, life / _CHECKS), run=self.round)

    def round(self, db: Database) -> None:
        """Renew every certificate that is due."""
        authority = self.agents.authority
        client = db.run(renew_client, self.box, authority)
        if client != authority.client:
            authority.client = client
            self.agents.show_certificate()
            log.info("agents see a new certificate of the engine")
        self.renew_server()
        db.run(renew_due, authority)
