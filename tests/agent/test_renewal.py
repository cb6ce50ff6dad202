"""New certificates for a running host, through its HTTPS API."""

from __future__ import annotations

import ssl
import stat
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec

from agent.rig import PATIENCE, AgentProcess, Authority, Engine, client_context
from agent.test_enroll import Desk, desk
from netweft.agent.identity import PURPOSES, Identity
from netweft.core.protocol import Credentials

__all__ = ["desk"]

PATH = "/v1/certificate"


def shown(engine: Engine) -> str:
    """The certificate that the agent shows on a new connection."""
    with engine.connect() as client:
        response = client.get("/v1/host")
        stream = response.extensions["network_stream"]
        der = stream.get_extra_info("ssl_object").getpeercert(True)
    return ssl.DER_cert_to_PEM_cert(der)


def requests(engine: Engine) -> Credentials:
    return engine.ask(Credentials, "POST", PATH)


def put(engine: Engine, signed: Credentials) -> httpx.Response:
    return engine.client.put(PATH, content=msgspec.json.encode(signed))


def test_a_running_host_gets_new_keys_and_certificates(engine: Engine, authority: Authority, tmp_path: Path) -> None:
    identity = Identity(tmp_path / "tls")
    before = shown(engine)
    keys = [(identity.current / f"{purpose}.key").read_bytes() for purpose in PURPOSES]
    requests(engine)
    assert shown(engine) == before
    signed = authority.sign_all(requests(engine), "localhost")
    for _ in range(2):  # the answer may have been lost
        assert put(engine, signed).status_code == 204
    assert shown(engine).split() == signed.host.split()
    assert engine.report(), "the connection that was open is open"
    now = [(identity.current / f"{purpose}.key").read_bytes() for purpose in PURPOSES]
    assert not set(now) & set(keys)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in identity.current.iterdir()}
    assert modes == {0o600}


def test_invalid_certificates_change_nothing(engine: Engine, authority: Authority) -> None:
    before = shown(engine)
    asked = requests(engine)
    right = authority.sign_all(asked, "localhost")
    for purpose in PURPOSES:
        foreign = getattr(Authority().sign_all(asked, "localhost"), purpose)
        assert put(engine, replace(right, **{purpose: foreign})).status_code == 409
    other = engine.client.put(PATH, content=b"{}")
    assert (other.status_code, engine.client.get(PATH).status_code) == (400, 405)
    assert shown(engine) == before
    assert put(engine, right).status_code == 204


def test_only_the_engine_may(engine: Engine, authority: Authority, tmp_path: Path) -> None:
    host = authority.issue(tmp_path / "host", "host-2.example.com")
    with httpx.Client(base_url=engine.url, verify=client_context(host)) as client:
        assert (client.post(PATH).status_code, client.put(PATH, content=b"{}").status_code) == (403, 403)


def test_certificates_need_pending_keys(engine: Engine, authority: Authority) -> None:
    signed = authority.sign_all(requests(engine), "localhost")
    assert put(engine, signed).status_code == 204
    answer = put(engine, replace(signed, host=signed.qemu))
    assert (answer.status_code, "create a request first" in answer.text) == (409, True)


def test_a_crash_during_renewal_leaves_the_old_or_the_new_certificates(authority: Authority, tmp_path: Path) -> None:
    identity = authority.issue(tmp_path, "localhost")
    waiting = identity.request("localhost")
    assert not identity.has_expired()
    half = identity.pki / "0123456789abcdef"
    half.mkdir()
    (half / "host.pem").write_text("half")
    (identity.pki / ".current.new").symlink_to("nowhere")
    again = Identity(tmp_path)
    assert not again.has_expired()
    again.install(authority.sign_all(waiting, "localhost"))
    assert not half.exists()
    names = {path.name for path in identity.pki.iterdir()}
    assert len(names) == 3, "the link, what it points to, and what it pointed to before"


def test_a_host_with_an_expired_certificate_starts_and_joins_again_on_request(
    desk: Desk, tmp_path: Path, engine_identity: Identity
) -> None:
    state = tmp_path / "state"
    stale = Authority("Netweft test authority", life=timedelta(seconds=2))
    stale.key, stale.certificate = desk.authority.key, desk.authority.certificate
    identity = stale.issue(state, "localhost")
    identity.hosts.write_text('{"host_ids": {"sim-1": "id-of-sim-1"}}')
    until = time.monotonic() + PATIENCE
    while not identity.has_expired():
        assert time.monotonic() < until
        time.sleep(0.1)
    with AgentProcess(state, "--simulated", "1") as process:
        assert process.stop() == 0
    token = ("--enroll", desk.url, "--ca-fingerprint", desk.authority.fingerprint, "--token", "secret")
    with AgentProcess(state, "--simulated", "1", *token) as process:
        engine = Engine(f"https://127.0.0.1:{process.port}/sim-1", engine_identity)
        assert engine.report().capabilities.hostname == "sim-1"
        engine.client.close()
        assert process.stop() == 0
    assert len(desk.requests) == 1
