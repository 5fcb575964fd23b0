"""Codes of key-safes from a CSV file: household_id,code. Sealed when stored; an empty code takes one away."""

import csv
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from callcenter.people import Report
from callcenter.privacy import Seal
from callcenter.storage import page_book, tables as t
from callcenter.storage.writer import Writer

KIND = "key-safes"
LONGEST = 32


def import_key_safes(writer: Writer, seal: Seal, path: Path, now: datetime) -> Report:
    """Raises OSError when the file cannot be read. Reasons name lines, never codes."""
    report = Report()
    with path.open(encoding="utf-8-sig", newline="") as text, writer.transaction() as connection:
        households = set(connection.execute(select(t.households.c.id)).scalars())
        reader = csv.DictReader(text)
        for row in reader:
            household, code = (row.get("household_id") or "").strip(), (row.get("code") or "").strip()
            if household not in households:
                report.wrong.append((reader.line_num, f"household {household} is not registered"))
            elif len(code) > LONGEST or not code.isprintable():
                report.wrong.append((reader.line_num, f"code: at most {LONGEST} characters that can be printed"))
            else:
                before = page_book.key_safe(connection, household)
                known = seal.open(before) if before else ""
                outcome = "unchanged" if known == code else "changed" if known else "added"
                setattr(report, outcome, getattr(report, outcome) + 1)
                if known != code:
                    page_book.set_key_safe(connection, seal, household, code=code, now=now)
    return report
