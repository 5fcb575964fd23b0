"""How a row of the call log looks to somebody: who sees which number, and rows as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from callcenter.privacy import Seal

# Role -> when it sees numbers in clear. Who is missing here never does.
SEES_NUMBERS = {"operator": "while_open", "supervisor": "always", "admin": "always"}
# At least so many characters -> how many of the end are shown. A shorter one is a service or an extension.
_SHOWN_OF_END = ((11, 4), (8, 2))
STARS = "****"  # always four: the length is not told either
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins to reckon


def masked(number: str) -> str:
    """The country and the end: enough to tell two callers apart, not enough to call one."""
    shown = next((end for least, end in _SHOWN_OF_END if len(number) >= least), 0)
    return f"{number[:3]}{STARS}{number[-shown:]}" if shown else STARS if number else ""


def number_for(role: str, number: str, *, case_open: bool) -> str:
    """The number in clear for who needs it; `case_open`: its alert is not closed, or its caller is owed a call."""
    when = SEES_NUMBERS.get(role)
    return number if when == "always" or (when == "while_open" and case_open) else masked(number)


def call_view(row: dict[str, Any], seal: Seal, role: str) -> dict[str, Any]:
    """A row read with its number, as `role` may see it (openapi.yaml, LoggedCall)."""
    sealed, case_open = row["number_sealed"], row["case_open"]
    shown = {key: value for key, value in row.items() if key not in ("number_sealed", "case_open")}
    return shown | {"number": number_for(role, seal.open(sealed), case_open=case_open)}


def debt_view(row: dict[str, Any], seal: Seal, role: str) -> dict[str, Any]:
    """An open debt: whoever discharges it has to dial it (openapi.yaml, Debt)."""
    number = seal.open(row["number_sealed"]) if row["number_sealed"] is not None else ""
    shown = {key: value for key, value in row.items() if key != "number_sealed"}
    return shown | {"number": number_for(role, number, case_open=row["discharged_at"] is None)}


def _cell(value: object) -> object:
    """Text that would be a formula is only text; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return int(value) if isinstance(value, bool) else value


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """With a byte order mark, without which a spreadsheet takes Chinese names for something else."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return "\ufeff" + out.getvalue()
