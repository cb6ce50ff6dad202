"""An agent to test, reached as the engine reaches it: HTTPS with mutual TLS, an authority made for the run."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes as PublicKey

from netweft.agent.identity import PURPOSES, Identity
from netweft.agent.serve import Server
from netweft.agent.simulated import SimulatedService
from netweft.agent.simulated_machine import Simulation
from netweft.core.host import Address, Bridge, Host, Vlan
from netweft.core.protocol import (
    Change,
    ChangeRequest,
    Credentials,
    EventPage,
    GenerationRef,
    HostReport,
    LinkCounters,
    Phase,
    Refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds after which an awaited condition counts as failed."""


class Authority:
    """A certificate authority in memory."""

    def __init__(self, name: str = "Netweft test authority", life: timedelta = timedelta(days=1)) -> None:
        self.life = life
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        ca = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = (
            self._builder(self.name, self.key.public_key())
            .add_extension(ca, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def _builder(self, name: x509.Name, key: PublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + self.life)
        )

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def sign(self, key: PublicKey, *names: str) -> str:
        known = [_general_name(name) for name in (*names, "127.0.0.1")]
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        built = self._builder(subject, key).add_extension(x509.SubjectAlternativeName(known), critical=False)
        return built.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def sign_all(self, requests: Credentials, *names: str) -> Credentials:
        """Certificates for the requests of a host, all of this authority."""
        keys = {name: x509.load_pem_x509_csr(csr.encode()) for name, csr in msgspec.to_builtins(requests).items()}
        assert all(key.is_signature_valid for key in keys.values())
        return Credentials(**{name: self.sign(key.public_key(), *names) for name, key in keys.items()})

    @property
    def authorities(self) -> Credentials:
        return Credentials(**dict.fromkeys(PURPOSES, self.pem))

    def issue(self, folder: Path, *names: str, **others: Authority) -> Identity:
        """New keys and certificates for these names, as files in the places where an agent has them.

        ``others``: other authorities by the purpose for which they sign; they are trusted there besides this one.
        """
        identity = Identity(folder)
        requests = identity.request(names[0])
        foreign = {purpose: getattr(one.sign_all(requests, *names), purpose) for purpose, one in others.items()}
        trusted = {purpose: one.pem + self.pem for purpose, one in others.items()}
        signed = replace(self.sign_all(requests, *names), **foreign)
        identity.install(signed, replace(self.authorities, **trusted))
        identity.hosts.write_text("{}")
        return identity


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def client_context(identity: Identity) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(identity.authority))
    context.load_cert_chain(identity.certificate, identity.key)
    return context


class RefusedError(Exception):
    """A refusal of the agent."""

    def __init__(self, status: int, refusal: Refusal) -> None:
        super().__init__(f"{status} {refusal.code}: {refusal.message}")
        self.status = status
        self.code = refusal.code
        self.message = refusal.message


class Engine:
    """The engine's connection to one host. ``url`` ends with the host's prefix, if it has one."""

    def __init__(self, url: str, identity: Identity) -> None:
        self.url = url
        self.identity = identity
        self.context = client_context(identity)
        self.client = self.connect()

    def connect(self) -> httpx.Client:
        """A client that has no connection yet."""
        return httpx.Client(base_url=self.url, verify=self.context, timeout=PATIENCE)

    def ask(self, kind: type[T], method: str, path: str, body: object = None, client: httpx.Client | None = None) -> T:
        content = None if body is None else msgspec.json.encode(body)
        response = (client or self.client).request(method, path, content=content)
        if response.status_code >= 400:
            raise RefusedError(response.status_code, msgspec.json.decode(response.content, type=Refusal))
        return msgspec.json.decode(response.content, type=kind)

    def report(self) -> HostReport:
        return self.ask(HostReport, "GET", "/v1/host")

    def host(self) -> Host:
        return self.report().host

    def counters(self) -> dict[str, LinkCounters]:
        return self.ask(dict[str, LinkCounters], "GET", "/v1/counters")

    def put(self, generation: int, desired: Host, *, confirm_within: float = PATIENCE, commit: bool = False) -> Change:
        request = ChangeRequest(generation=generation, desired=desired, confirm_within=confirm_within, commit=commit)
        return self.ask(Change, "PUT", "/v1/host", request)

    def confirm(self, generation: int, client: httpx.Client | None = None) -> Change:
        if client:
            return self.ask(Change, "POST", "/v1/host/confirm", GenerationRef(generation=generation), client)
        with self.connect() as fresh:
            return self.ask(Change, "POST", "/v1/host/confirm", GenerationRef(generation=generation), fresh)

    def roll_back(self, generation: int) -> Change:
        return self.ask(Change, "POST", "/v1/host/rollback", GenerationRef(generation=generation))

    def commit(self) -> Change:
        return self.ask(Change, "POST", "/v1/host/commit")

    def simulate(self, **faults: Any) -> None:  # the fields of Simulation
        self.ask(Simulation, "POST", "/v1/simulation", Simulation(**faults))

    def events(self, after: int = 0, wait: float = 0) -> EventPage:
        return self.ask(EventPage, "GET", f"/v1/events?after={after}&wait={wait}")

    def until(self, *phases: Phase) -> Change:
        """Wait until the change is in one of the phases, or in a final one."""
        end = monotonic() + PATIENCE
        while True:
            change = self.report().change
            assert change is not None
            if change.phase in phases:
                return change
            assert not change.phase.is_final, change
            assert monotonic() < end, change
            sleep(0.005)

    def applied(self, generation: int, desired: Host) -> Change:
        """Start a change and wait until it awaits its confirmation."""
        self.put(generation, desired)
        return self.until(Phase.AWAITING)

    def kept(self, generation: int, desired: Host, *, commit: bool = False) -> Change:
        """Start a change, confirm it, and wait for its end."""
        self.put(generation, desired, commit=commit)
        self.until(Phase.AWAITING)
        return self.confirm(generation)


def with_network(host: Host, tag: int = 100, name: str = "blue", nic: str = "eth1") -> Host:
    """The desired host with a VLAN network on a NIC: a device, a bridge over it, an address."""
    device = f"{nic}.{tag}"
    owned = replace(host.nics[nic], owner="nic")
    vlan = Vlan(name=device, owner=name, base=nic, tag=tag, master=name)
    bridge = Bridge(name=name, owner=name, addresses=(Address(ip=f"10.0.{tag % 250}.1", prefix=24),))
    return host.with_link(owned).with_link(vlan).with_link(bridge)


@contextmanager
def served(folder: Path, authority: Authority, number: int = 1, **options: Any) -> Iterator[str]:
    """A simulated host, served by this process; yields the URL with its prefix. ``options``: of the server."""
    identity = authority.issue(folder / "tls", "localhost")
    server = Server(("127.0.0.1", 0), **options)
    service = SimulatedService(f"sim-{number}", number, folder / f"sim-{number}")
    server.open(identity, {f"/sim-{number}": service})
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.port}/sim-{number}"
    finally:
        server.shutdown()
        thread.join()
        service.close(PATIENCE)
        server.server_close()


class AgentProcess:
    """An agent as a program. As a context manager it is killed at the end if it still runs."""

    def __init__(
        self,
        state: Path,
        *options: str,
        env: dict[str, str] | None = None,
        program: Sequence[str] = ("-m", "netweft.agent"),
    ) -> None:
        command = [sys.executable, *program, "--state", str(state), "--listen", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        assert self.process.stdout
        line = self.process.stdout.readline()
        if "serving" not in line:
            try:
                self.died()
            finally:
                self.kill()
            raise RuntimeError(f"the agent did not start: {self.process.returncode}")
        self.port = int(line.split()[-1])

    @property
    def pid(self) -> int:
        return self.process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def died(self) -> int:
        """Wait for the end of the process; returns its status."""
        assert self.process.stdout
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.died()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.died()
