"""What can be done with a provider of external networks beside the usual verbs: its state, and whom to trust."""

from __future__ import annotations

from typing import TextIO

import click

from netweft.cli.lookup import completes, resolve
from netweft.cli.nouns import noun
from netweft.cli.output import say, show_facts
from netweft.cli.session import calls_engine, output_option
from netweft.client import Client

_PROVIDER = noun("provider")
_STATE = {
    "NAME": "name",
    "STATUS": "status",
    "REASON": "status_reason",
    "LATENCY (MS)": "latency",
    "CHECKED": "checked_at",
    "URL": "url",
}
_provider = click.argument("provider", metavar="PROVIDER", shell_complete=completes("provider"))


@click.command("status")
@_provider
@output_option
@calls_engine
def status(client: Client, provider: str, form: str) -> None:
    """Show how a provider was when it was last asked.

    Example: netweft provider status neutron
    """
    found = resolve(client, _PROVIDER, provider)
    show_facts(client.addition("GET", f"providers/{found['id']}"), _STATE, form, {"ID": "id"})


@click.command("trust")
@_provider
@click.argument("certificate", type=click.File(encoding="utf-8"))
@calls_engine
def trust(client: Client, provider: str, certificate: TextIO) -> None:
    """Verify the provider's TLS certificate with that of a file (PEM) from now on. It is tried before it is kept.

    Example: netweft provider trust neutron ca.pem
    """
    found = resolve(client, _PROVIDER, provider)
    try:
        content = certificate.read()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{certificate.name} cannot be read: it is no text.") from error
    client.action(f"{_PROVIDER.path}/{found['id']}/importcertificates", {"certificates": [{"content": content}]})
    say("The provider answers with a certificate that is trusted now.")


COMMANDS = (status, trust)
