"""The settings of ``netweft serve``: command line options, else environment variables (``NETWEFT_...``)."""

from __future__ import annotations

import argparse
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from netweft.core.limits import PORT_MAX
from netweft.core.rollout import SOAK_MAX
from netweft.engine.connections import Limits

DATABASE_FILE = "netweft.db"
"""The embedded database, in the data folder."""
_PACKAGE = b"!<arch>\n"
"""How a Debian package begins (deb(5))."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. Port 0 means any free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can call it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_wildcard(self) -> bool:
        """Whether it means all addresses of the machine."""
        return self.host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> Address:
    """Read ``HOST:PORT`` or ``[IPV6]:PORT``; raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host.strip("[]") or not port.isdecimal() or int(port) > PORT_MAX:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return Address(host.strip("[]"), int(port))


def _is_listen(text: str) -> str:
    parse_listen(text)
    return text


def _is_name(text: str) -> str:
    """A name in DNS (RFC 1123) or an IP address, as certificates have them; raises ValueError."""
    label = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
    if len(text) > 253 or not re.fullmatch(rf"(\*\.)?{label}(\.{label})*", text):  # noqa: PLR2004 - RFC 1035
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither a name in DNS nor an IP address") from None
    return text


def _split(value: object) -> object:
    """A list in one variable of the environment: separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _is_package(text: str) -> str:
    """The file of a Debian package, or nothing; raises ValueError."""
    if text:
        try:
            with Path(text).open("rb") as file:
                is_package = file.read(len(_PACKAGE)) == _PACKAGE
        except OSError as error:
            raise ValueError(f"{text!r} cannot be read: {error.strerror}") from None
        if not is_package:
            raise ValueError(f"{text!r} is no Debian package")
    return text


_Names = Annotated[list[Annotated[str, AfterValidator(_is_name)]], NoDecode, BeforeValidator(_split)]
_Listens = Annotated[list[Annotated[str, AfterValidator(_is_listen)]], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Settings of the engine."""

    model_config = SettingsConfigDict(env_prefix="NETWEFT_", extra="ignore")

    data: Path = Field(description="folder for keys, certificates and the embedded database")
    database: str = Field("", description="postgresql://... for several replicas; else SQLite in the data folder")
    listen: _Listens = Field(["127.0.0.1:8443"], description="HOST:PORT to listen at (127.0.0.1:8443); may be repeated")
    processes: int = Field(
        1, ge=1, le=64, description="engine processes that serve together, each on one processor; needs PostgreSQL (1)"
    )
    name: _Names = Field([], description="further name or address for the engine's certificate; may be repeated")
    insecure_http: bool = Field(False, description="plain HTTP instead of HTTPS, on loopback addresses only")
    certificate_days: float = Field(
        398,
        gt=0,
        le=36500,
        description="days that certificates are good, and renewed a third before the end (398)",
    )
    agent_package: Annotated[str, AfterValidator(_is_package)] = Field(
        "", description="the Debian package netweft-agent, which is installed by SSH on hosts that are added"
    )
    simulated_hosts: int = Field(0, ge=0, le=2000, description="run so many simulated hosts, sim-1 and so on")
    simulated_cards: int = Field(
        0,
        ge=0,
        le=2000,
        description="let the first so many of new ones have a virtual interface card",
    )
    connections: int = Field(4096, ge=16, le=60000, description="connections of clients at a time (4096)")
    anonymous_connections: int = Field(
        1024, ge=8, le=60000, description="of these, connections without a log-in (1024)"
    )
    connections_per_address: int = Field(512, ge=4, le=60000, description="of these, from one address (512)")
    job_threads: int = Field(
        16, ge=1, le=512, description="jobs that work at the same time, besides those that wait (16)"
    )
    rollout_soak: float = Field(
        10,
        ge=0,
        le=SOAK_MAX,
        description="seconds for which the first hosts that a change reaches are watched, if their cluster does not"
        " say (10)",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error (info)"
    )
    log_json: bool = Field(False, description="log JSON lines instead of text")
    admin_password: SecretStr | None = Field(None, description="first password of admin@internal, else one is made")

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.insecure_http and not all(address.is_loopback for address in self.addresses):
            raise ValueError("plain HTTP is for loopback addresses only: passwords would travel in clear text")
        if not self.listen:
            raise ValueError("there must be an address to listen at")
        if self.simulated_cards > self.simulated_hosts:
            raise ValueError("there are more simulated cards (--simulated-cards) than simulated hosts")
        if self.database and not self.database.startswith(("postgresql", "sqlite")):
            raise ValueError("the database is a postgresql:// URL; without one it is SQLite in the data folder")
        if self.processes > 1 and not self.database.startswith("postgresql"):
            raise ValueError(
                f"--processes {self.processes} needs PostgreSQL (--database postgresql://...): SQLite is for one engine"
            )
        return self

    @property
    def limits(self) -> Limits:
        """What clients may take of the engine."""
        return Limits(
            connections=self.connections,
            anonymous=self.anonymous_connections,
            per_address=self.connections_per_address,
        )

    @property
    def addresses(self) -> list[Address]:
        """Where to listen."""
        return [parse_listen(text) for text in self.listen]

    @property
    def agent_package_file(self) -> Path | None:
        """The agent's package, None without one."""
        return Path(self.agent_package) if self.agent_package else None

    @property
    def database_url(self) -> str:
        """The database, as SQLAlchemy has it."""
        return self.database or f"sqlite:///{(self.data / DATABASE_FILE).resolve()}"


_ENVIRONMENT_ONLY = {"admin_password"}
"""Whatever is on a command line can be read by every user of the machine."""


def from_command_line(arguments: Sequence[str]) -> Settings:
    """The settings of a command line and the environment; ends the program with status 2 when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="netweft serve",
        description="Run the engine. Every option may also be a variable of the environment, such as NETWEFT_DATA;"
        " NETWEFT_ADMIN_PASSWORD is the first password of admin@internal (else one is written to DIR/admin-password).",
    )
    for name, field in Settings.model_fields.items():
        if name not in _ENVIRONMENT_ONLY:
            _add_option(parser, name, field.annotation, field.description)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        option = "--" + str(problem["loc"][0]).replace("_", "-") + ": " if problem["loc"] else ""
        parser.error(f"{option}{_sentence(problem)}")


_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


def _sentence(problem: Mapping[str, Any]) -> str:
    """What pydantic found, in the words of whoever typed it."""
    given, bounds = problem["input"], problem.get("ctx", {})
    match problem["type"]:
        case "int_parsing" | "int_from_float":
            return f"{given!r} is no whole number"
        case "float_parsing":
            return f"{given!r} is no number"
        case ("greater_than" | "greater_than_equal" | "less_than" | "less_than_equal") as kind:
            return f"it must be {_BOUNDS[kind]} {next(iter(bounds.values())):g}, not {given}"
        case "string_pattern_mismatch":
            choices = bounds["pattern"].strip("^()$").split("|")
            return f"{given!r} is none of {', '.join(choices)}"
    return str(problem["msg"]).removeprefix("Value error, ")


def _add_option(parser: argparse.ArgumentParser, name: str, kind: object, text: str | None) -> None:
    option = "--" + name.replace("_", "-")
    if kind is bool:
        parser.add_argument(option, action="store_const", const=True, help=text)
    elif kind in {str, int, float, Path}:
        parser.add_argument(
            option, metavar={"data": "DIR", "database": "URL", "agent_package": "FILE"}.get(name, "X"), help=text
        )
    else:
        parser.add_argument(option, action="append", metavar="HOST:PORT" if name == "listen" else "X", help=text)
