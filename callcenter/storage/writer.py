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
    TimeoutError as PoolTimeout,
)

from callcenter.privacy import Seal
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.unit import Unit
from config.plans import Plans
from config.policies import AlertPolicy

_DOWN = (OperationalError, InterfaceError, InternalError, DisconnectionError, PoolTimeout)


class Unavailable(Exception):
    """The database cannot store anything now. Nothing of the unit is stored; try again later."""


class Unsure(Unavailable):
    """The database was lost while it committed: all of the unit is stored, or nothing."""


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
        except DBAPIError as error:
            if error.connection_invalidated:
                self.close()
                raise away(str(error.__cause__ or error)) from error
            raise
        except self._driver.Error as error:  # from a prepared statement, which SQLAlchemy does not wrap
            if isinstance(error, self._down):
                self.close()
                raise away(str(error)) from error
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except DBAPIError:
                pass  # it is being thrown away
