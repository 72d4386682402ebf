"""Runs each task in its own process: limited in time and memory, and without network or writing if the system allows.

This contains code that hangs, leaks memory, uses the network or writes files. It is no sandbox against hostile code:
the run itself imports plug-ins and unpickles their results.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from mote_bench.contracts import InputError
from mote_bench.execution import forking
from mote_bench.toolkit import CPU

if TYPE_CHECKING:
    from mote_bench.execution.outcome import Outcome

SECONDS, GIGABYTES = 3600.0, 8.0
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_NO_NEW_PRIVILEGES = 38
_CREATE_RULES, _ADD_RULE, _RESTRICT = 444, 445, 446
"""Landlock's system calls; they have the same numbers on every processor."""
_WRITING, _REFER, _TRUNCATE = 0b1_1111_1111_0010, 1 << 13, 1 << 14
_TCP, _SCOPES = 0b11, 0b11


@dataclass(frozen=True)
class Bounds:
    """Limits of one task: wall-clock seconds, and gigabytes of private memory (per process that it starts)."""

    seconds: float = SECONDS
    gigabytes: float = GIGABYTES


@dataclass(frozen=True)
class Holds:
    """The limits that this system can enforce on a task."""

    memory: bool
    network: bool
    files: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What a task can still do on this system."""
        free = {"take any memory": self.memory, "use the network": self.network, "write files": self.files}
        return tuple(what for what, held in free.items() if not held)


def bounds(isolate: bool, seconds: float | None, gigabytes: float | None, device: str = CPU) -> Bounds | None:
    """The limits given by the user's options; ``None`` without ``--isolate``.

    Raises
    ------
    InputError
        On limits without ``--isolate``, and on a device with it: writing to the device's file isn't allowed there.
    """
    if isolate and device != CPU:
        raise InputError(
            f"--device {device} with --isolate: an isolated task may not open a device; leave one of the two out"
        )
    if isolate:
        return Bounds(seconds or SECONDS, gigabytes or GIGABYTES)
    if seconds is not None or gigabytes is not None:
        raise InputError("--task-seconds and --task-gigabytes bound isolated tasks; add --isolate")
    return None


def contained(bounds: Bounds, function: Callable[..., Outcome], *arguments: Any) -> Outcome:
    """The outcome of ``function(*arguments)``, called in its own process."""
    import cloudpickle

    from mote_bench.execution.outcome import Outcome

    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mote-bench-", ignore_cleanup_errors=True) as scratch:
        process, answers = _started(bounds, scratch, cloudpickle.dumps((function, arguments)))
        try:
            if not answers.poll(bounds.seconds):
                said = f"stopped at its limit of {bounds.seconds:g} s (--task-seconds)"
                return Outcome(None, time.monotonic() - start, said, timed_out=True)
            outcome: Outcome = cloudpickle.loads(answers.recv_bytes())
            return outcome
        except EOFError:
            process.join(5)
            return Outcome(None, time.monotonic() - start, f"its process ended {_how(process.exitcode, bounds)}")
        finally:
            _end(process)
            answers.close()


def holds(bounds: Bounds) -> Holds:
    """The limits that this system enforces on a task, found by running one."""
    outcome = contained(bounds, _confined)
    if not isinstance(outcome.value, Holds):
        raise RuntimeError(f"a process under these limits can't even start: {outcome.error}")
    return outcome.value


def _started(bounds: Bounds, scratch: str, task: bytes) -> tuple[BaseProcess, Connection]:
    """A process forked from a single-threaded server that has imported all common modules, which takes seconds."""
    context = multiprocessing.get_context("forkserver")
    answers, pen = context.Pipe(duplex=False)
    process = context.Process(target=_main, args=(bounds, scratch, task, pen))
    with _allowed_children():
        forking.start(process.start)
    pen.close()
    return process, answers


@contextmanager
def _allowed_children() -> Iterator[None]:
    """Allow child processes in Dask's workers. Python forbids them to daemons, which might not end them; we do."""
    config: dict[str, Any] = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    before = config.get("daemon")
    config["daemon"] = False
    try:
        yield
    finally:
        config["daemon"] = before


def _end(process: BaseProcess) -> None:
    """End the process and all processes that it started, unless they left its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.kill()
    process.join(5)


def _how(code: int | None, bounds: Bounds) -> str:
    if code is None or code >= 0:
        return f"with exit code {code}, without an answer"
    return f"by {signal.Signals(-code).name}; its memory is bounded to {bounds.gigabytes:g} GB (--task-gigabytes)"


_held: Holds | None = None


def _confined() -> Outcome:
    """The limits that were enforced when this process started."""
    from mote_bench.execution.outcome import Outcome

    return Outcome(_held, 0.0)


def _main(bounds: Bounds, scratch: str, task: bytes, answers: Connection) -> None:
    """Confine this process while it has one thread, then run the task."""
    global _held
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # a plug-in can't read input, and its output is dropped
        os.dup2(nowhere, stream)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    _held = Holds(memory=_bound_memory(bounds), network=_cut_network(), files=_lock_files(scratch))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    import cloudpickle

    answers.send_bytes(cloudpickle.dumps(_done(task)))
    os._exit(0)  # skips threads and exit handlers that a plug-in left behind


def _done(task: bytes) -> Outcome:
    import traceback

    from mote_bench.execution.outcome import Outcome
    from mote_bench.execution.redaction import redacted

    try:
        function, arguments = pickle.loads(task)
        outcome: Outcome = function(*arguments)
    except Exception:  # such as a plug-in that can't be imported here
        return Outcome(None, 0.0, redacted(traceback.format_exc()))
    return outcome


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _bound_memory(bounds: Bounds) -> bool:
    """Limit memory (private on Linux, address space elsewhere), and CPU seconds in case the parent is gone."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    size, seconds = int(bounds.gigabytes * 1e9), int(bounds.seconds) + 60
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    kind = resource.RLIMIT_DATA if sys.platform.startswith("linux") else resource.RLIMIT_AS
    try:
        resource.setrlimit(kind, (size, size))
    except (ValueError, OSError):
        return False
    return sys.platform.startswith("linux")  # other systems accept the limit but don't enforce it


def _cut_network() -> bool:
    """Move this process to an empty network namespace, with a user namespace if that needs more rights."""
    if not sys.platform.startswith("linux"):
        return False
    user, group = os.getuid(), os.getgid()
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_NETWORK) == 0:
        return True
    if library.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with suppress(OSError), open(f"/proc/self/{name}", "w") as file:  # else it runs as nobody, which works too
            file.write(line)
    return True


def _lock_files(scratch: str) -> bool:
    """Landlock: allow writing in the scratch folder only, and no signals to other processes."""
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    version = library.syscall(_CREATE_RULES, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    writing = _WRITING | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    handled = [writing, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    known = 3 if version >= 6 else 2 if version >= 4 else 1
    rules = (ctypes.c_uint64 * known)(*handled[:known])
    ruleset = library.syscall(_CREATE_RULES, rules, ctypes.c_size_t(8 * known), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        allowed = ((scratch, writing), (os.devnull, writing & (1 << 1 | _TRUNCATE)))
        done = all(_allow(library, ruleset, place, rights) for place, rights in allowed)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return done and library.syscall(_RESTRICT, ruleset, ctypes.c_uint32(0)) == 0
    finally:
        os.close(ruleset)


def _allow(library: ctypes.CDLL, ruleset: int, place: str, rights: int) -> bool:
    handle = os.open(place, getattr(os, "O_PATH", 0))
    try:
        beneath = ctypes.create_string_buffer(rights.to_bytes(8, sys.byteorder) + handle.to_bytes(4, sys.byteorder), 12)
        return bool(library.syscall(_ADD_RULE, ruleset, ctypes.c_int(1), beneath, ctypes.c_uint32(0)) == 0)
    finally:
        os.close(handle)
