"""The offers of one writing transaction: read once an alert, written once, whatever happens to them in between."""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from callcenter.alerts.offer_model import GOING, Offer, OfferState
from callcenter.storage import page_book, tables as t
from callcenter.storage.offer_records import offer_from_row, offer_row
from callcenter.storage.prepared import Prepared

_UNDER_WAY = frozenset({OfferState.ACCEPTED, OfferState.EN_ROUTE})
_COLUMNS = tuple(column.name for column in t.offers.columns)
_OF_ALERT = Prepared(select(t.offers).where(t.offers.c.alert_id == bindparam("b_alert")).order_by(t.offers.c.id))
_NEW = Prepared(insert(t.offers), list(_COLUMNS))
_FIXED = frozenset({"id", "alert_id", "party", "name", "kind", "level", "wave", "score", "parts", "asked_at"})
_CHANGED = Prepared(
    update(t.offers)
    .where(t.offers.c.id == bindparam("b_id"))
    .values({name: bindparam(name) for name in _COLUMNS if name not in _FIXED})
)


class OfferBook:
    """Used by one unit."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._by_alert: dict[str, dict[str, Offer]] = {}
        self._new: set[str] = set()
        self._changed: dict[str, Offer] = {}

    def of_alert(self, alert_id: str) -> list[Offer]:
        """Every offer of the alert, in the order in which they were made."""
        if alert_id not in self._by_alert:
            rows = _OF_ALERT.rows(self.connection, {"b_alert": alert_id})
            offers = (offer_from_row(dict(zip(_COLUMNS, row, strict=True))) for row in rows)
            self._by_alert[alert_id] = {offer.id: offer for offer in offers}
        return list(self._by_alert[alert_id].values())

    def load(self, *, but: str) -> Counter[str]:
        """To how many alerts other than `but` everybody is on the way, as it is stored. Few are, of however many.

        Whoever goes to practise stops when they are needed.
        """
        o = t.offers.c
        going = [state.value for state in GOING]
        query = select(o.party).join(t.alerts, t.alerts.c.id == o.alert_id)
        query = query.where(o.ended_at.is_(None), o.state.in_(going), o.alert_id != but, ~t.PRACTISED)
        return Counter(self.connection.execute(query).scalars())

    def put(self, offer: Offer, *, new: bool = False) -> None:
        self.of_alert(offer.alert_id)
        self._by_alert[offer.alert_id][offer.id] = offer
        self._changed[offer.id] = offer
        if new:
            self._new.add(offer.id)

    def flush(self) -> None:
        """Where somebody is, is known as long as they are under way."""
        still = [offer for offer, one in self._changed.items() if one.state not in _UNDER_WAY]
        page_book.drop_positions(self.connection, still)
        rows = {offer: offer_row(self._changed[offer]) for offer in sorted(self._changed)}
        _NEW.run(self.connection, [row for offer, row in rows.items() if offer in self._new])
        _CHANGED.run(self.connection, [_update(row) for offer, row in rows.items() if offer not in self._new])


def _update(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _FIXED} | {"b_id": row["id"]}
