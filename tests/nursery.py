"""Processes born with everything imported: a start of the centre is two seconds of imports, and the tests have fifty.

A nursery process (Python's fork server) has imported the centre and done nothing else; each child is a fork of it, with
its own environment and log, and runs the program from its beginning. It dies, hangs and is killed like any other.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["callcenter.__main__", __name__])


def _live(program: Sequence[str], environment: Mapping[str, str], directory: str, log: str) -> None:
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    nothing, out = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for into, source in ((0, nothing), (1, out), (2, out)):
        os.dup2(source, into)
    if program[0] == "-m":
        sys.argv = list(program[1:])
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(program)
        runpy.run_path(program[0], run_name="__main__")


class Child:
    """`python PROGRAM...`, with as much of `subprocess.Popen` as the tests use."""

    def __init__(self, program: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> None:
        given = (tuple(program), dict(env), str(cwd), str(log))
        self._process = _FORKS.Process(target=_live, args=given, daemon=True)
        self._process.start()
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("a child of the nursery", timeout or 0)
        return code

    def send_signal(self, how: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
