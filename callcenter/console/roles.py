"""Who may do what: every route names what it needs, every role what it may. Default: refused."""

from enum import StrEnum


class May(StrEnum):
    """One thing that a role may do or not. SEE never changes anything, WORK does."""

    OWN_SESSION = "own_session"
    SEE_WALL = "see_wall"  # the room in figures, kinds and areas, and nothing of any person
    SEE_ALERTS = "see_alerts"
    WORK_ALERTS = "work_alerts"
    SEE_PEOPLE = "see_people"  # the register of residents and devices
    CHANGE_PEOPLE = "change_people"
    SEE_NETWORK = "see_network"  # areas, responders, coverage, colleagues
    CHANGE_NETWORK = "change_network"  # areas and responders
    SEND_LINKS = "send_links"  # to the pages of those who were asked to go
    SEE_CALLS = "see_calls"
    WORK_CALLS = "work_calls"
    SEE_INCIDENTS = "see_incidents"
    WORK_INCIDENTS = "work_incidents"
    SEE_FIGURES = "see_figures"  # statistics
    SEE_POLICIES = "see_policies"
    CHANGE_POLICIES = "change_policies"
    BREAK_GLASS = "break_glass"  # look beyond the own area, with a reason
    RUN_ROOM = "run_room"  # flood mode, and who is where
    HELP_SIGN_IN = "help_sign_in"  # take away a colleague's second factor that is lost
    REVIEW = "review"  # what others did with a reason


_SEE = {
    May.OWN_SESSION, May.SEE_WALL, May.SEE_ALERTS, May.SEE_PEOPLE, May.SEE_NETWORK, May.SEE_CALLS, May.SEE_INCIDENTS,
    May.SEE_FIGURES, May.SEE_POLICIES,
}  # fmt: skip
_OPERATOR = _SEE | {May.WORK_ALERTS, May.SEND_LINKS, May.WORK_CALLS, May.WORK_INCIDENTS, May.BREAK_GLASS}
_SUPERVISOR = _OPERATOR | {
    May.CHANGE_PEOPLE, May.CHANGE_NETWORK, May.CHANGE_POLICIES, May.RUN_ROOM, May.HELP_SIGN_IN, May.REVIEW,
}  # fmt: skip

ROLES: dict[str, frozenset[May]] = {
    "operator": frozenset(_OPERATOR),
    "supervisor": frozenset(_SUPERVISOR),
    "admin": frozenset(_SUPERVISOR),
    # Looks after the network of responders: who is asked, who is on duty; takes no alarms and no calls.
    "responder_desk": frozenset(
        {
            May.OWN_SESSION,
            May.SEE_WALL,
            May.SEE_ALERTS,
            May.SEE_NETWORK,
            May.CHANGE_NETWORK,
            May.SEND_LINKS,
            May.SEE_INCIDENTS,
            May.SEE_FIGURES,
        }
    ),
    # Reads everything, changes nothing but the marks of a review.
    "auditor": frozenset(_SEE | {May.REVIEW}),
    # A screen on the wall, which stays signed in where everybody passes.
    "wallboard": frozenset({May.OWN_SESSION, May.SEE_WALL}),
    # The program that presses the test alarm: sees and works its own, and nothing else (scope.py, docs/adr/0027).
    "prober": frozenset({May.OWN_SESSION, May.SEE_ALERTS, May.WORK_ALERTS}),
}
SUPERVISORS = frozenset({"supervisor", "admin"})


ONLY_OWN = frozenset({May.OWN_SESSION})


def may(role: str) -> frozenset[May]:
    """What a role may do; one that nobody knows here may only sign out."""
    return ROLES.get(role, ONLY_OWN)
