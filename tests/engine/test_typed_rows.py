"""No row is read by a name that the type checker does not know."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

READS = """
from sqlalchemy import select

from netweft.engine.db import Tx, lock
from netweft.engine.model.host_networks import AttachmentRow, attachments
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.queries.hosts import HOSTS
from netweft.engine.statements import Statement, first_row, rows

TUPLES = Statement(select(hosts.c.id, hosts.c.name))
RECORDS = Statement(select(hosts), record=HostRow)


def read(tx: Tx) -> None:
    for host_id, name in tx.execute(select(hosts.c.id, hosts.c.name)):
        print(host_id, name)
    for row in tx.execute(select(hosts.c.id, hosts.c.name)):
        print(row.name)  # refused
    print(tx.execute(select(hosts)).one().name)  # refused
    print(tx.execute(select(hosts)).all()[0].name)  # refused
    print(TUPLES.all(tx)[0].name)  # refused
    print(TUPLES.ask(tx).one().name)  # refused
    print(RECORDS.all(tx)[0].name, RECORDS.ask(tx).one().name)
    print(RECORDS.all(tx)[0].nmae)  # refused
    print(rows(tx, HostRow, select(hosts))[0].name)
    print(rows(tx, HostRow, select(hosts))[0].nmae)  # refused
    if one := first_row(tx, HostRow, select(hosts)):
        print(one.nmae)  # refused
    print(lock(tx, hosts, "1").name, HOSTS.get(tx, "1").name)
    print(lock(tx, hosts, "1").nmae)  # refused
    print(HOSTS.get(tx, "1").nmae)  # refused
    print(HOSTS.get(tx, "1").inherited["net1"].mac)
    print(HOSTS.get(tx, "1").inherited["net1"].amc)  # refused
    for carried in rows(tx, AttachmentRow, select(attachments)):
        print(carried.assignments[0].address)
        print(carried.assignments[0].adress)  # refused
"""


def test_the_type_checker_refuses_a_column_that_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "reads.py").write_text(READS)
    mypy = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", tmp_path / "reads.py"]
    told = subprocess.run(mypy, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    refused = {int(line) for line in re.findall(r"reads\.py:(\d+): error: .* has no attribute", told)}
    assert refused == {n for n, line in enumerate(READS.splitlines(), 1) if line.endswith("# refused")}, told
    assert told.count("error:") == len(refused), told
