"""What is asked of the door when people come, prove who they are, and go."""

from dataclasses import dataclass

from callcenter.alerts.model import Operator


@dataclass(frozen=True, slots=True)
class SignedOut:
    """An operator has signed out. `here`: another session of theirs still has a live console at this process."""

    operator: str
    here: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SignedInElsewhere:
    """An identity provider says who somebody is; they get a session here. True, or `Refused`.

    `operator` is made of issuer and subject, `token_hash` is of their new session. `area` None: they see everything.
    """

    operator: str
    name: str
    role: str
    area: str | None
    token_hash: str


@dataclass(frozen=True, slots=True)
class FactorProof:
    """A code that fits: of an app, of this step of 30 s, or (the hash of) a recovery code. Neither: none was needed."""

    step: int | None = None
    recovery: str = ""


@dataclass(frozen=True, slots=True)
class SignedInHere:
    """Somebody knows the password of an operator; they get a session. True, or `Refused`.

    `demands`: roles that must have a second factor; without one the session is limited to getting one.
    """

    operator: str
    token_hash: str
    proof: FactorProof
    demands: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """Somebody at the centre's own machine ends all sessions of an operator. Answered with how many, or `Refused`."""

    operator: str


@dataclass(frozen=True, slots=True)
class FactorBegun:
    """An operator wants a second factor and has been shown its secret. It counts once it is confirmed."""

    operator: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class FactorConfirmed:
    """They have proved that their app has it (`step`), and get recovery codes, of which these are the hashes."""

    operator: str
    step: int
    recovery: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactorEnded:
    """They want to sign in without it again, and have proved once more that they have it."""

    operator: str
    proof: FactorProof


@dataclass(frozen=True, slots=True)
class FactorReset:
    """Somebody else takes it away, because it is lost, and says why. `by` None: at the centre's own machine."""

    operator: str
    reason: str
    by: Operator | None
