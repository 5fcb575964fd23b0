"""The writer's connection: opens units, commits them, and tells a dead database from a bad row."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    InternalError,
    OperationalError,
    PendingRollbackError,
    TimeoutError as PoolTimeout,
)

from callcenter.privacy import Seal
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.unit import Unit
from config.plans import Plans
from config.policies import AlertPolicy

_DOWN = (OperationalError, InterfaceError, InternalError, DisconnectionError, PoolTimeout)


# What the database says -> what to do about it, for the log of whoever is woken.
_ADVICE = (
    (("disk is full", "no space left", "could not extend"),
     "make room, first among logs and old backups; never delete files of the data directory. It goes on by itself"),
    (("malformed", "not a database", "invalid page"),
     "the database is damaged: stop the centre, keep the files, restore the last backup (docs/operations.md, backup)"),
    (("locked",), "another program holds the database: only processes of the centre may"),
)  # fmt: skip


class Unavailable(Exception):
    """The database cannot store anything now. Nothing of the unit is stored; try again later."""

    @property
    def advice(self) -> str:
        """What to do; empty: nothing is known that fits."""
        said = str(self).lower()
        return next((advice for words, advice in _ADVICE if any(word in said for word in words)), "")


class Unsure(Unavailable):
    """The database was lost while it committed: all of the unit is stored, or nothing."""


def is_lost(connection: Connection) -> bool:
    """Whether the database is gone. SQLAlchemy does not hear it from a prepared statement; the driver knows."""
    return connection.invalidated or bool(getattr(connection.connection.dbapi_connection, "closed", False))


class Writer:
    """One connection, used by one thread. After a failure the next unit connects anew."""

    def __init__(self, engine: Engine, *, node: str, policy: AlertPolicy | Shelf, seal: Seal | None = None) -> None:
        self._engine = engine
        self._node = node
        self.shelf = policy if isinstance(policy, Shelf) else Shelf(policy)
        self._seal = seal
        self.performs: Callable[[str], bool] = lambda _kind: True  # an effect of another kind is anybody's at once
        self.plans: Plans = {}  # what is to be done for an alert of each kind; the centre says so
        self._connection: Connection | None = None
        self._driver: Any = engine.dialect.loaded_dbapi
        self._down = (self._driver.OperationalError, self._driver.InterfaceError, self._driver.InternalError)

    @contextmanager
    def unit(self, now: datetime) -> Iterator[Unit]:
        """A unit; flushed and committed when the block ends, rolled back when it raises."""
        with self.transaction() as connection:
            unit = Unit(connection, now=now, node=self._node, shelf=self.shelf, seal=self._seal)
            unit.plans.by_kind, unit.performs = self.plans, self.performs
            yield unit
            unit.flush()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A bare transaction, for writes that no rule decides."""
        away = Unavailable
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._engine.connect()
            with self._connection.begin():
                yield self._connection
                away = Unsure  # from here on only the commit is left
        except _DOWN as error:
            self.close()
            raise away(str(error.__cause__ or error)) from error
        except PendingRollbackError as error:
            if self._connection is None or not self._connection.invalidated:
                raise
            self.close()  # it was lost before, in something that may fail alone, and somebody went on
            raise Unavailable("the connection was lost") from error
        except DBAPIError as error:
            if error.connection_invalidated or self._damaged(error.orig):
                self.close()
                raise away(str(error.__cause__ or error)) from error
            raise
        except self._driver.Error as error:  # from a prepared statement, which SQLAlchemy does not wrap
            if isinstance(error, self._down) or self._damaged(error):
                self.close()
                raise away(str(error)) from error
            raise

    def _damaged(self, error: BaseException | None) -> bool:
        """SQLite says so by the bare class, of which no bad row's error is."""
        return type(error) is self._driver.DatabaseError

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except DBAPIError:
                pass  # it is being thrown away
