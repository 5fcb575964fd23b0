"""A second factor is begun, confirmed, ended, or taken away by somebody else; all but the first is in the timeline."""

from datetime import timedelta

from callcenter.alerts.rules import Refused
from callcenter.ports.signing_in import FactorBegun, FactorConfirmed, FactorEnded, FactorProof, FactorReset
from callcenter.storage import factor_book, sessions
from callcenter.storage.unit import Unit
from handlers.intake import Handler

# Who has just lost a telephone works on without one, for as long as a session lasts: a desk must not be empty for that.
EXCUSED = timedelta(hours=16)


def taken(unit: Unit, operator: str, proof: FactorProof) -> Refused | str:
    """The kind of code that was taken, once and for all."""
    if proof.recovery:
        fits = factor_book.take_recovery(unit.connection, operator, proof.recovery, unit.now)
        return "recovery" if fits else Refused("wrong_code", "this is no code of yours, or it was used")
    if proof.step is None:
        return Refused("second_factor", "a code of the second factor is needed")
    fits = factor_book.take_step(unit.connection, operator, proof.step)
    return "app" if fits else Refused("code_used", "this code was used already; wait for the next one")


def begin(unit: Unit, wanted: FactorBegun) -> bool | Refused:
    if factor_book.factor(unit.connection, wanted.operator).since:
        return Refused("enrolled", "there is a second factor already")
    factor_book.begin(unit.connection, wanted.operator, wanted.sealed)
    return True


def confirm(unit: Unit, wanted: FactorConfirmed) -> bool | Refused:
    found = factor_book.factor(unit.connection, wanted.operator)
    if found.since or not found.sealed:
        return Refused("not_begun", "there is nothing to confirm")
    factor_book.confirm(unit.connection, wanted.operator, wanted.step, wanted.recovery, unit.now)
    sessions.set_free(unit.connection, wanted.operator)
    _log(unit, "second_factor.confirmed", wanted.operator, f"operator:{wanted.operator}")
    return True


def end(unit: Unit, wanted: FactorEnded) -> bool | Refused:
    if isinstance(refused := taken(unit, wanted.operator, wanted.proof), Refused):
        return refused
    factor_book.take_away(unit.connection, wanted.operator, None)
    _log(unit, "second_factor.ended", wanted.operator, f"operator:{wanted.operator}")
    return True


def reset(unit: Unit, wanted: FactorReset) -> bool | Refused:
    """They sign in with their password alone until `EXCUSED` is over, also where their role demands more."""
    if sessions.operator(unit.connection, wanted.operator) is None:
        return Refused("not_found", "there is no such operator")
    if wanted.by and wanted.by.id == wanted.operator:
        return Refused("own", "somebody else has to take yours away")
    factor_book.take_away(unit.connection, wanted.operator, unit.now + EXCUSED)
    sessions.set_free(unit.connection, wanted.operator)
    actor = f"operator:{wanted.by.id}" if wanted.by else "system"
    _log(unit, "second_factor.reset", wanted.operator, actor, reason=wanted.reason)
    return True


def _log(unit: Unit, rule: str, operator: str, actor: str, **more: str) -> None:
    unit.log(None, rule=rule, actor=actor, data={"operator": operator, **more})


HANDLERS: dict[type, Handler] = {
    FactorBegun: Handler(begin, withdrawable=True),
    FactorConfirmed: Handler(confirm, withdrawable=True),
    FactorEnded: Handler(end, withdrawable=True),
    FactorReset: Handler(reset, withdrawable=True),
}
