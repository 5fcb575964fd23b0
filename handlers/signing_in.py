"""Signing in, by a password of ours or by an identity provider: a session opens here, and the timeline says so."""

from typing import Any

from callcenter.alerts.rules import Refused
from callcenter.ports.signing_in import SessionsEnded, SignedInElsewhere, SignedInHere
from callcenter.storage import factor_book, network, sessions
from callcenter.storage.scope import TEST_AREA
from callcenter.storage.unit import Unit
from handlers.intake import Handler
from handlers.second_factors import taken


def signed_in(unit: Unit, wanted: SignedInElsewhere) -> bool | Refused:
    """Role and area become what the provider says now. Whoever has a password here is nobody else's to change."""
    known = sessions.operator(unit.connection, wanted.operator)
    if known is not None and known.password_hash:
        return Refused("local", "this operator has a password here")
    if wanted.area and not network.subtree(unit.connection, wanted.area):
        return Refused("no_area", f"there is no area {wanted.area}")
    person = sessions.NewOperator(wanted.operator, wanted.name, wanted.role, "", unit.now, wanted.area)
    sessions.put_operator(unit.connection, person)
    _open(unit, person, wanted.token_hash, way="oidc")
    return True


def signed_in_here(unit: Unit, wanted: SignedInHere) -> bool | Refused:
    """The password fitted a moment ago; whether a second factor is needed, and its code fresh, is decided here."""
    known = sessions.operator(unit.connection, wanted.operator)
    if known is None or not known.password_hash:
        return Refused("gone", "this operator has no password here any more")
    factor = factor_book.factor(unit.connection, wanted.operator)
    demanded = known.role in wanted.demands
    if factor.since:
        proved = taken(unit, wanted.operator, wanted.proof)
    elif demanded and factor.excused_until and factor.excused_until > unit.now:
        proved = "excused"
    else:
        proved = "owed" if demanded else "none"
    if isinstance(proved, Refused):
        return proved
    _open(unit, known, wanted.token_hash, way="password", factor=proved)
    return True


def _open(unit: Unit, operator: Any, token_hash: str, *, way: str, factor: str = "") -> None:  # noqa: ANN401 (a row)
    opened = sessions.NewSession(token_hash, operator.id, unit.now, limited=factor == "owed")
    sessions.open_session(unit.connection, opened)
    data = {"operator": operator.id, "way": way, "role": operator.role, "area": operator.area_id}
    area = TEST_AREA if operator.role == sessions.PROBER else None
    more = {"factor": factor} if factor else {}
    unit.log(None, rule="session.opened", actor=f"operator:{operator.id}", data=data | more, area=area)


def end_all(unit: Unit, wanted: SessionsEnded) -> int | Refused:
    """Their consoles close within seconds; what they have in hand rings for others when they are missed."""
    if sessions.operator(unit.connection, wanted.operator) is None:
        return Refused("not_found", f"there is no operator {wanted.operator}")
    ended = sessions.revoke_all(unit.connection, wanted.operator, unit.now)
    unit.log(None, rule="session.ended", actor="system", data={"operator": wanted.operator, "sessions": ended})
    return ended


HANDLERS: dict[type, Handler] = {
    SignedInElsewhere: Handler(signed_in, withdrawable=True),
    SignedInHere: Handler(signed_in_here, withdrawable=True),
    SessionsEnded: Handler(end_all, withdrawable=True),
}
