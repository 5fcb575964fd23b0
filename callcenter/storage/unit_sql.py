"""The statements of a writing transaction (unit.py), each prepared once."""

from sqlalchemy import Table, and_, bindparam, delete, exists, func, insert, or_, select, update

from callcenter.storage import tables as t
from callcenter.storage.prepared import Prepared, PreparedLookup

HEAD = Prepared(select(t.timeline_head.c.n, t.timeline_head.c.hash).with_for_update())
SET_HEAD = Prepared(update(t.timeline_head).values(n=bindparam("n"), hash=bindparam("hash")))
_HOME = func.coalesce(t.residents.c.household_id, t.devices.c.household_id)
# With the device comes whether anybody has a plan of their own; hardly an alarm has to look for one.
_AT_HOME = t.residents.alias("at_home")
_PLANNED = exists(
    select(t.plans.c.id).join(_AT_HOME, _AT_HOME.c.id == t.plans.c.resident_id).where(_AT_HOME.c.household_id == _HOME)
)
KNOWN = PreparedLookup(
    lambda keys: (
        select(
            t.devices.c.id,
            t.devices.c.family,
            t.devices.c.resident_id,
            t.devices.c.household_id,
            func.coalesce(t.residents.c.name, ""),
            func.coalesce(t.households.c.address, ""),
            _HOME,
            t.households.c.area_id,
            _PLANNED,
        )
        .select_from(t.devices)
        .outerjoin(t.residents, t.residents.c.id == t.devices.c.resident_id)
        .outerjoin(t.households, t.households.c.id == _HOME)
        .where(t.devices.c.id.in_([key[0] for key in keys]))
    )
)
HEARD_COLUMNS = ("device_id", "msg", "ref", "kind", "alert_id", "device_at", "raw")
HEARD = PreparedLookup(
    lambda keys: select(*(t.signals.c[name] for name in HEARD_COLUMNS)).where(
        or_(*(and_(t.signals.c.device_id == device, t.signals.c.msg == msg) for device, msg in keys))
    ),
    width=2,
)
OPEN = PreparedLookup(
    lambda keys: select(t.alerts).where(t.alerts.c.subject.in_([key[0] for key in keys]), t.UNRESOLVED_SQL)
)
ALERTS = PreparedLookup(lambda keys: select(t.alerts).where(t.alerts.c.id.in_([key[0] for key in keys])))
# Where somebody lives of whom no device was heard: who rang us from another telephone.
AREA = Prepared(
    select(t.households.c.area_id)
    .select_from(t.households)
    .outerjoin(t.residents, t.residents.c.household_id == t.households.c.id)
    .where(or_(t.residents.c.id == bindparam("b_resident"), t.households.c.id == bindparam("b_household")))
    .limit(1)
)
_HAS = or_(t.alerts.c.owner_id == bindparam("b_one"), t.alerts.c.transfer_to_id == bindparam("b_one"))
CONCERNING = Prepared(select(t.alerts.c.id).where(_HAS, t.UNRESOLVED_SQL))
SEARCHES = Prepared(
    select(t.alerts.c.id).where(t.alerts.c.astray_at.is_not(None), t.alerts.c.found_at.is_(None), t.UNRESOLVED_SQL)
)
ALERT_COLUMNS = tuple(column.name for column in t.alerts.columns)
UPDATE_ALERT = Prepared(
    update(t.alerts)
    .where(t.alerts.c.id == bindparam("b_id"))
    .values({name: bindparam(name) for name in ALERT_COLUMNS if name != "id"})
)
DROP_TIMER = Prepared(
    delete(t.timers).where(t.timers.c.alert_id == bindparam("b_alert"), t.timers.c.kind == bindparam("b_kind"))
)


def _insert(table: Table, *left_out: str) -> Prepared:
    return Prepared(insert(table), [column.name for column in table.columns if column.name not in left_out])


NEW_ALERT, NEW_TIMER, NEW_SIGNAL = _insert(t.alerts), _insert(t.timers), _insert(t.signals)
NEW_ENTRY, NEW_EFFECT, NEW_DEAD_LETTER = _insert(t.timeline), _insert(t.outbox, "error"), _insert(t.dead_letters)
