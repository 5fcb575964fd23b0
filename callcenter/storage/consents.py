"""What residents have agreed to. Only what this code obeys is a purpose: a consent that nothing asks for is a lie."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select, update

from callcenter.alerts.model import OPEN
from callcenter.storage import tables as t
from callcenter.storage.prepared import Prepared

POSITION = "position"  # where their device was last is shown also while no alert of theirs is open
RECORDING = "recording"  # what is spoken on calls about them is recorded
# Whether it holds as long as nobody has said a word: who calls is told that calls are recorded, and may refuse.
PURPOSES: Mapping[str, bool] = {POSITION: False, RECORDING: True}

_STILL = t.consents.c.withdrawn_on.is_(None)
_REFUSED = select(t.consents.c.resident_id).where(t.consents.c.purpose == RECORDING, ~_STILL)
_REFUSED_BY = Prepared(_REFUSED.where(t.consents.c.resident_id == bindparam("b_resident")))
_REFUSED_AT = Prepared(
    _REFUSED.join(t.residents, t.residents.c.id == t.consents.c.resident_id).where(
        t.residents.c.household_id == bindparam("b_household")
    )
)


def listed(connection: Connection, resident: str) -> list[dict[str, Any]]:
    """Every purpose, and what the resident has said to it (openapi.yaml, Consent)."""
    query = select(t.consents).where(t.consents.c.resident_id == resident)
    said = {row["purpose"]: row for row in connection.execute(query).mappings()}
    names = ("given_on", "given_by", "withdrawn_on", "withdrawn_by")
    return [
        {"purpose": one, "holds": said[one]["withdrawn_on"] is None if one in said else unsaid}
        | {name: said[one][name] if one in said else None for name in names}
        for one, unsaid in PURPOSES.items()
    ]


def said(connection: Connection, resident: str, purpose: str) -> dict[str, Any] | None:
    """What stands there of one purpose; None: nobody was asked."""
    found = next(one for one in listed(connection, resident) if one["purpose"] == purpose)
    stands = {name: value for name, value in found.items() if name not in ("purpose", "holds")}
    return stands if found["given_on"] or found["withdrawn_on"] else None


def say(connection: Connection, resident: str, purpose: str, *, given: bool, on: str, by: str) -> None:
    """Given anew, or withdrawn; of what nobody has given: refused."""
    here = (t.consents.c.resident_id == resident) & (t.consents.c.purpose == purpose)
    given_now = {"given_on": on, "given_by": by, "withdrawn_on": None, "withdrawn_by": ""}
    values = given_now if given else {"withdrawn_on": on, "withdrawn_by": by}
    changed = connection.execute(update(t.consents).where(here).values(values))
    if changed.rowcount == 0:
        connection.execute(insert(t.consents).values(resident_id=resident, purpose=purpose, **values))


def may_record(connection: Connection, *, resident: str | None, household: str | None = None) -> bool:
    """Whether calls about them are recorded. Of a house as long as nobody who lives there has refused."""
    if resident:
        return not _REFUSED_BY.rows(connection, {"b_resident": resident})
    return not (household and _REFUSED_AT.rows(connection, {"b_household": household}))


def shows_position(connection: Connection, device: str) -> bool:
    """Whether an operator may see where this device was last: while an alert of its wearer (or its own) is open, or
    because whoever wears it now has agreed. Who wore it before has nothing to do with it any more.
    """
    wearer = select(t.devices.c.resident_id).where(t.devices.c.id == device).scalar_subquery()
    a = t.alerts.c
    theirs = or_(a.device_id == device, a.resident_id == wearer)
    # An alert to practise with opens nobody's whereabouts.
    alert_open = exists().where(theirs, ~t.PRACTISED, a.state.in_([state.value for state in OPEN]))
    agreed = exists().where(t.consents.c.resident_id == wearer, t.consents.c.purpose == POSITION, _STILL)
    return bool(connection.execute(select(or_(alert_open, agreed))).scalar())


def withholds_position(connection: Connection, device: str) -> bool:
    """Whether there is a position of it that is not shown."""
    known = select(func.count()).where(t.device_state.c.device_id == device, t.device_state.c.lat.is_not(None))
    return bool(connection.execute(known).scalar()) and not shows_position(connection, device)
