"""Shared code of demonstrations: an engine beside a lab, commands that are printed and run, checks of statements."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import httpx

from netweft import lab
from netweft.cli.main import cli
from netweft.client import ApiError, Client, UnreachableError

EXAMPLES = Path(__file__).parent
FOLDER = Path("var/demo")
ENGINE_URL = "https://198.51.100.1:8443"


def run(
    show: Callable[[], None], description: str | None, again: str, failures: tuple[type[Exception], ...] = ()
) -> int:
    """Run a demonstration; returns the status to end with. ``again``: the command that runs it to its end.

    ``failures``: its own errors, whose message is printed.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exit", action="store_true", help="remove everything at the end")
    leave_up = not parser.parse_args().exit
    if os.geteuid():
        print("The demonstration creates network namespaces, and so needs root. Simulated hosts run without root:\n")
        print("  .venv/bin/netweft serve --data var/engine --simulated-hosts 3")
        return 1
    clean_up()
    try:
        show()
    except (Failure, ApiError, UnreachableError, lab.LabError, *failures) as error:
        print(f"\nThe demonstration failed: {error}\nLogs are in {FOLDER}.", file=sys.stderr)
        clean_up(keep_logs=True)
        return 1
    except BaseException:
        clean_up(keep_logs=True)
        raise
    if leave_up:
        print_next_steps(again)
    else:
        clean_up()
        print("\nEverything worked, and everything has been removed again.")
    return 0


class Failure(Exception):  # noqa: N818 (it is what the demonstration may end in, not an error of the program)
    """A check failed."""


def start_engine() -> None:
    """Start the engine on the lab's management network and on loopback, and wait until it answers."""
    data = FOLDER / "engine"
    data.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "netweft",
        "serve",
        "--data",
        str(data),
        "--listen",
        "198.51.100.1:8443",
        "--listen",
        "127.0.0.1:8443",
    ]
    with (FOLDER / "engine.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    (FOLDER / "engine.pid").write_text(str(process.pid))
    wait("the engine answers", lambda: healthy(process))
    os.environ |= {
        "NETWEFT_URL": ENGINE_URL,
        "NETWEFT_CA": str(data / "ca.pem"),
        "NETWEFT_PASSWORD_FILE": str(data / "admin-password"),
    }


def healthy(process: subprocess.Popen[bytes]) -> bool:
    """Whether the engine answers. Raises Failure when it has ended."""
    if process.poll() is not None:
        raise Failure(f"the engine ended with status {process.returncode}; see {FOLDER / 'engine.log'}")
    authority = FOLDER / "engine" / "ca.pem"
    if not authority.exists():
        return False
    try:
        return httpx.get(
            f"{ENGINE_URL}/health", verify=ssl.create_default_context(cafile=str(authority)), trust_env=False
        ).is_success
    except httpx.TransportError:
        return False


def engine() -> Client:
    """A client of the demonstration's engine."""
    password = Path(os.environ["NETWEFT_PASSWORD_FILE"]).read_text().strip()
    return Client(ENGINE_URL, "admin@internal", password, ca_file=Path(os.environ["NETWEFT_CA"]))


def netweft(words: str, *, quiet: bool = False) -> None:
    """Show and run one ``netweft`` command; ``quiet`` leaves out what it prints."""
    print(f"$ netweft {words.removesuffix(' -o json')}", flush=True)
    stdout = os.dup(1)
    try:
        if quiet:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
        status = cli.main(shlex.split(words), standalone_mode=False)
    except click.ClickException as error:
        raise Failure(error.format_message()) from error
    finally:
        sys.stdout.flush()
        os.dup2(stdout, 1)
        os.close(stdout)
    if status:
        raise Failure(f"'netweft {words}' ended with status {status}")


def wait(what: str, holds: Callable[[], bool], seconds: float = 60, pause: float = 0.1) -> None:
    """Poll, with a pause in seconds, until a condition is true, and print it. Raises Failure after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)
    check(True, what)


def check(holds: bool, what: str) -> None:
    """Print a statement that is true, or raise Failure."""
    if not holds:
        raise Failure(f"this is not true: {what}")
    print(f"  \N{CHECK MARK} {what}", flush=True)


def title(text: str) -> None:
    """A heading."""
    print(f"\n== {text}", flush=True)


def clean_up(*, keep_logs: bool = False) -> None:
    """Remove everything that this or an earlier demonstration left on the machine."""
    pid_file = FOLDER / "engine.pid"
    if pid_file.exists():
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(FOLDER / "engine").encode() in command.read_bytes():
            os.kill(pid, signal.SIGTERM)
            while command.exists() and command.read_bytes():
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    time.sleep(0.05)
    if (FOLDER / "lab" / "lab.json").exists():
        lab.down(FOLDER / "lab")
    if FOLDER.exists() and not keep_logs:
        shutil.rmtree(FOLDER)


def print_next_steps(again: str) -> None:
    """Print the address of the engine and how to use it."""
    variables = ("NETWEFT_URL", "NETWEFT_CA", "NETWEFT_PASSWORD_FILE")
    print(f"""
Everything worked, and the engine is still up.

  address    {ENGINE_URL}/ovirt-engine/api   (and https://127.0.0.1:8443)
  web page   https://127.0.0.1:8443/ui/
  user       admin@internal
  password   {Path(os.environ["NETWEFT_PASSWORD_FILE"]).read_text().strip()}
  authority  {os.environ["NETWEFT_CA"]}

  export {" ".join(f"{name}={os.environ[name]}" for name in variables)}
  .venv/bin/netweft host attachments alpha

'{again}' runs it again and removes everything afterwards.""")
