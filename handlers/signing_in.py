"""Signing in by an identity provider: who it names has a row and a session here, and the timeline says so."""

from callcenter.alerts.rules import Refused
from callcenter.ports import SignedInElsewhere
from callcenter.storage import network, sessions
from callcenter.storage.unit import Unit
from handlers.intake import Handler


def signed_in(unit: Unit, wanted: SignedInElsewhere) -> bool | Refused:
    """Role and area become what the provider says now. Whoever has a password here is nobody else's to change."""
    known = sessions.operator(unit.connection, wanted.operator)
    if known is not None and known.password_hash:
        return Refused("local", "this operator has a password here")
    if wanted.area and not network.subtree(unit.connection, wanted.area):
        return Refused("no_area", f"there is no area {wanted.area}")
    person = sessions.NewOperator(wanted.operator, wanted.name, wanted.role, "", unit.now, wanted.area)
    sessions.put_operator(unit.connection, person)
    sessions.open_session(unit.connection, sessions.NewSession(wanted.token_hash, wanted.operator, unit.now))
    data = {"operator": wanted.operator, "way": "oidc", "role": wanted.role, "area": wanted.area}
    unit.log(None, rule="session.opened", actor=f"operator:{wanted.operator}", data=data)
    return True


HANDLERS: dict[type, Handler] = {SignedInElsewhere: Handler(signed_in, withdrawable=True)}
