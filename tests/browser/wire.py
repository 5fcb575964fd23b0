"""The wire between a browser and the centre, as a TCP relay that a test can cut, freeze and mend."""

import contextlib
import socket
import threading
from types import TracebackType

from tests.processes import free_port


class Wire:
    """Relays connections to `target`. `cut` ends them and refuses new ones; `freeze` lets them hang."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = free_port()
        self._open = threading.Event()  # unset: nothing is relayed
        self._open.set()
        self._refusing = False
        self._ended = False
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", self.port))

    def __enter__(self) -> "Wire":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended = True
        self._open.set()
        self._door.close()
        self._drop()

    def cut(self) -> None:
        self._refusing = True
        self._drop()

    def freeze(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._refusing = False
        self._open.set()

    def _drop(self) -> None:
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _address = self._door.accept()
            except OSError:
                return
            if self._refusing:
                near.close()
                continue
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._sockets |= {near, far}
        back = threading.Thread(target=self._relay, args=(far, near), daemon=True)
        back.start()
        self._relay(near, far)
        back.join()
        with self._lock:
            self._sockets -= {near, far}
        near.close()
        far.close()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._open.wait()
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
