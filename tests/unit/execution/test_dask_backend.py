"""The same plan on a Dask cluster: the same records, also when a worker dies, and clear words when there is none."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from types import SimpleNamespace

import pytest
from distributed.scheduler import KilledWorker

from commands import mote_bench
from mote_bench.contracts import InputError
from mote_bench.execution import workers
from mote_bench.execution.cluster import Cluster, lost
from mote_bench.execution.dask_backend import connected
from mote_bench.execution.outcome import Outcome

SMALL = ("run", "--people", "240", "--questions", "gender,verify", "--quiet", "--jobs", "2")


def contents(folder):
    return {
        path.name: [line for line in path.read_text().splitlines() if not line.startswith(('"cost"', '"sha256"'))]
        for path in (folder / "boards" / "records").iterdir()
    }


@pytest.mark.slow
def test_the_same_records_as_in_processes(tmp_path):
    made = {}
    for backend in ("processes", "dask"):
        (tmp_path / backend).mkdir()
        asked = ("--attacks", "vote-answers,xgboost-bytes", "--schemes", "biohash,mote-linear", "--backend", backend)
        result = mote_bench(*SMALL, *asked, cwd=tmp_path / backend)
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        made[backend] = contents(tmp_path / backend)
    assert len(made["dask"]) > 8
    assert made["dask"] == made["processes"]


def double(x):
    return Outcome(2 * x, 0.0)


def die_once(path, x):
    if not os.path.exists(path):
        open(path, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(2 * x, 0.0)


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_die(tmp_path):
    with connected("dask", jobs=2) as cluster:
        tasks = [workers.Task(i, double, (i,)) for i in range(12)]
        tasks.insert(3, workers.Task("once", die_once, (str(tmp_path / "died"), 50)))
        tasks.insert(6, workers.Task("always", die, (0,)))
        outcomes = dict(workers.run(tasks, jobs=2, cluster=cluster))
    assert {key: outcomes[key].value for key in range(12)} == {i: 2 * i for i in range(12)}
    assert outcomes["once"].value == 100
    assert "worker process died" in outcomes["always"].error


class KillsWhatSendsIt:
    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGKILL)


def finish(what):
    return Outcome(what(), 0.0)


def test_a_worker_that_dies_of_sending_its_outcome():
    with connected("dask", jobs=1) as cluster:
        tasks = [workers.Task("lost", finish, (KillsWhatSendsIt,)), workers.Task("next", double, (1,))]
        outcomes = dict(workers.run(tasks, jobs=1, cluster=cluster))
    assert "worker process died" in outcomes["lost"].error
    assert outcomes["next"].value == 2


def test_an_outcome_that_cannot_be_sent():
    with connected("dask", jobs=1) as cluster:
        outcomes = dict(workers.run([workers.Task("lock", finish, (threading.Lock,))], jobs=1, cluster=cluster))
    assert "cannot pickle" in outcomes["lock"].error


def test_an_outcome_whose_worker_dies_before_it_is_fetched():
    """Dask finds that out while it gathers."""

    class Client:
        loop = SimpleNamespace(add_callback=lambda function, *arguments: asyncio.run(function(*arguments)))

        def get_executor(self, **_):
            raise AssertionError("its futures would never be done")

        def submit(self, *_, **__):
            return "a future"

        async def gather(self, futures, asynchronous):
            raise KilledWorker("task", SimpleNamespace(address="tcp://10.0.0.9:4000"), 1)

    future = Cluster(Client(), "here").executor.submit(double, 1)
    assert lost(future.exception(timeout=1))


SEEN = []
"""What tasks of a process leave behind."""


def remember(x):
    SEEN.append(x)
    return Outcome(list(SEEN), 0.0)


def test_the_workers_of_a_local_cluster_are_renewed():
    with connected("dask", jobs=1) as cluster:

        def seen(x):
            [(_, outcome)] = workers.run([workers.Task(0, remember, (x,))], jobs=1, cluster=cluster)
            return outcome.value

        assert [seen(1), seen(2)] == [[1], [1, 2]]
        workers.renew(cluster)
        assert seen(3) == [3]


def test_nobody_at_the_address(monkeypatch):
    monkeypatch.setattr("mote_bench.execution.dask_backend.ANSWER", 1)
    with pytest.raises(InputError, match="no Dask scheduler answers there"), connected("tcp://127.0.0.1:9", jobs=1):
        pass


def test_an_unknown_backend(tmp_path):
    asked = ("--backend", "threads", "--schemes", "cosine", "--attacks", "vote-answers")
    result = mote_bench(*SMALL, *asked, cwd=tmp_path)
    assert result.returncode == 2
    assert "expected processes, dask, or tcp://" in result.stderr
    assert "Traceback" not in result.stderr


def test_another_version_on_the_cluster(monkeypatch):
    import mote_bench as package
    from mote_bench.execution import dask_backend

    class Client:
        def run(self, _):
            return {"tcp://10.0.0.9:4000": "0.0.1 (source abc)"}

    with pytest.raises(InputError, match=r"worker tcp://10\.0\.0\.9:4000 has mote-bench 0\.0\.1"):
        dask_backend._check_versions(Client(), "tcp://10.0.0.5:8786")
    assert package.__version__ in dask_backend._version()
