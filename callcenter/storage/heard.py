"""What was last heard of each device: heartbeats, positions, signs of life. Newer wins."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, case, func, or_, update

from callcenter.storage import tables as t
from callcenter.storage.prepared import Prepared, PreparedLookup

_SEEN = bindparam("seen_at", type_=t.Utc)
_HEARD_TOGETHER = PreparedLookup(
    lambda keys: (
        update(t.device_state)
        .where(t.device_state.c.device_id.in_([key[0] for key in keys]))
        .values(
            # A press is written at once, the heartbeat before it a second later: that must not make it look older.
            seen_at=case((t.device_state.c.seen_at > _SEEN, t.device_state.c.seen_at), else_=_SEEN),
            battery=func.coalesce(bindparam("battery", type_=Integer), t.device_state.c.battery),
            next_s=func.coalesce(bindparam("next_s", type_=Integer), t.device_state.c.next_s),
        )
    )
)
_LOC_AT = bindparam("loc_at", type_=t.Utc)
_POSITION = Prepared(
    update(t.device_state)
    .where(
        t.device_state.c.device_id == bindparam("b_device"),
        or_(t.device_state.c.loc_at.is_(None), t.device_state.c.loc_at <= _LOC_AT),
    )
    .values({name: bindparam(name) for name in ("lat", "lon", "acc", "fix", "datum")} | {"loc_at": _LOC_AT})
)


def store_telemetry(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Rows have b_device, seen_at, battery, next_s and perhaps a position. Never older than before; newer wins.

    Of several processes all hear the same: one that lags writes the newer charge next.

    Devices that say the same are written together, as heard when the last of them was (they were merged within
    a second): a statement for each of 833 a second would keep alarms waiting.
    """
    together: dict[tuple[int | None, int | None], list[dict[str, Any]]] = {}
    for row in rows:
        together.setdefault((row["battery"], row["next_s"]), []).append(row)
    for (battery, next_s), same in together.items():
        values = {"battery": battery, "next_s": next_s, "seen_at": max(row["seen_at"] for row in same)}
        _HEARD_TOGETHER.run(connection, [(row["b_device"],) for row in same], values)
    positions = [row["position"] | {"b_device": row["b_device"]} for row in rows if row.get("position")]
    _POSITION.run(connection, positions)
