"""Jobs in the processes of Ray: on this machine, or on those of a cluster."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from olacore.errors import ConfigError, DataError, OlacoreError
from olacore.search.backends.base import BACKENDS, Answer, Backend, Payload, ShouldStop, attempt, never
from olacore.version import __version__

# How often a job is started again after its process or its machine died.
RESTARTS = 10
# How often somebody is asked whether to stop.
SECONDS = 0.2
# How long the head node of a cluster may take to answer.
KNOCK_SECONDS = 10.0
# Nothing large goes through Ray's store, which would take 30 % of the memory; it is never less than 75 MiB.
STORE_BYTES = 80 << 20
# Characters of a folder in whose sockets' names, which have 107 bytes, there is room for what Ray puts there.
SHORT = 24
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Where nobody has chosen: no token is written into the home of whoever starts Ray, and nothing is told to its makers.
QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}


@BACKENDS.add
class Ray(Backend):
    """Jobs as actors of Ray; those whose process or machine dies are started again, on another one if need be.

    A job must be idempotent: it may be called again with a payload that it did not come to the end of. Files have to be
    in folders that all machines see under the same names. Where Ray already runs in this process, it is used as it is;
    else it is started here, or the cluster's is joined, and left at the end.

    Parameters
    ----------
    workers : actors at a time; 0 for as many as there are cores
    address : of a cluster, such as "10.0.0.1:6379" or "auto"; None to start Ray on this machine
    threads : of each actor; 0 to divide the cores of a machine

    Raises
    ------
    ConfigError  if a number is below 0, or Ray is not installed
    """

    name: ClassVar[str] = "ray"

    def __init__(self, workers: int = 0, address: str | None = None, threads: int = 0) -> None:
        for what, number in (("workers", workers), ("threads", threads)):
            if number < 0:
                raise ConfigError(f"{what} must be 0 or more; got {number}.")
        self.workers, self.address, self.threads = workers, address, threads
        with _environment({} if address else QUIET):
            _import_ray()

    def map(self, job: Callable[[Payload], Answer], payloads: Iterable[Payload]) -> list[Answer]:
        """Run the jobs; all of them come to their end before the error of one is raised."""
        found: dict[int, Any] = dict(self.outcomes(partial(_without_stop, job), payloads))
        for number in sorted(found):
            if isinstance(found[number], OlacoreError):
                raise found[number]
        return [found[number] for number in sorted(found)]

    def outcomes(
        self, job: Callable[[Payload, ShouldStop], Answer], payloads: Iterable[Payload], should_stop: ShouldStop = never
    ) -> Iterator[tuple[int, Answer | OlacoreError]]:
        """Run the jobs; those that still run when it is to stop are killed."""
        ray = _import_ray()
        # As bytes: what lies in Ray's store comes out read-only.
        waiting = [(number, ray.cloudpickle.dumps((job, payload))) for number, payload in enumerate(payloads)]
        waiting.reverse()
        if not waiting:
            return
        ours = not ray.is_initialized()
        with self.started():
            workers, threads, kept = self._sizes(ray, len(waiting))
            make = _actor(ray, threads, kept)
            idle = [make.remote() for _ in range(workers)]
            busy: dict[Any, tuple[int, Any]] = {}
            try:
                while (waiting or busy) and not should_stop():
                    while waiting and idle:
                        number, work = waiting.pop()
                        actor = idle.pop()
                        busy[actor.run.remote(work, str(Path.cwd()), __version__)] = number, actor
                    for done in ray.wait([*busy], timeout=SECONDS)[0]:
                        number, actor = busy.pop(done)
                        try:
                            answer = ray.cloudpickle.loads(ray.get(done))
                        except ray.exceptions.RayTaskError as error:
                            raise error.cause from error
                        except ray.exceptions.RayError as error:
                            answer, actor = DataError(_lost(error)), make.remote()
                        idle.append(actor)
                        yield number, answer
            finally:
                # Those of a Ray that ends with us end with it, and silently.
                for actor in [] if ours else [*idle, *(actor for _, actor in busy.values())]:
                    with suppress(ray.exceptions.RayError):
                        ray.kill(actor)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start or join Ray for what is done meanwhile, unless it runs in this process.

        Raises
        ------
        ConfigError  if it cannot start, or there is no cluster at the address
        """
        ray = _import_ray()
        if ray.is_initialized():
            yield
            return
        if self.address:
            _knock(self.address)
        quiet = {"log_to_driver": False, "logging_level": "error"}
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with (
            _environment({} if self.address else QUIET),
            tempfile.TemporaryDirectory(prefix="ola-", dir=_short_folder(), ignore_cleanup_errors=True) as folder,
        ):
            try:
                try:
                    if self.address:
                        ray.init(self.address, **quiet)
                    else:
                        cores = max(_cores(), self.workers * max(1, self.threads))
                        ray.init(
                            num_cpus=cores,
                            include_dashboard=False,
                            object_store_memory=STORE_BYTES,
                            _temp_dir=folder,
                            **quiet,
                        )
                except (OSError, RuntimeError, ValueError) as error:
                    where = f"the cluster at {self.address} cannot be joined" if self.address else "it cannot start"
                    raise ConfigError(f"Ray: {where}: {_first_line(error)}") from error
                finally:
                    for number, handler in handlers.items():  # Ray puts its own in their place
                        _handle(number, handler)
                with _unheard(ray):
                    yield
            finally:
                ray.shutdown()

    def _sizes(self, ray: Any, jobs: int) -> tuple[int, int, float]:
        """How many actors there are at a time, how many threads each has, and the cores that are kept for it."""
        cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        workers = min(self.workers or sum(cores), jobs)
        if self.threads:
            if not (fit := sum(count // self.threads for count in cores)):
                raise ConfigError(
                    f"no machine of Ray has the {self.threads} cores that an actor asks for; ask for fewer threads."
                )
            return min(workers, fit), self.threads, self.threads
        kept = share_of(cores, workers)
        return workers, max(1, int(kept)), kept


def share_of(cores: list[int], workers: int) -> float:
    """Return the most cores that each of some workers can have, below one where there are more workers.

    Parameters
    ----------
    cores : of each machine; a worker is on one of them

    Raises
    ------
    ConfigError  if there is no core
    """
    shares = {count / parts for count in cores for parts in range(1, workers + 1) if count}
    fitting = [share for share in shares if sum(int(count / share + 1e-9) for count in cores) >= workers]
    if not fitting:
        raise ConfigError("Ray has no cores for jobs; give it some with `ray start --num-cpus`.")
    most = max(fitting)
    return int(most) if most >= 1 else int(most * 10_000) / 10_000


class Worker:
    """What runs in a process of Ray."""

    def run(self, work: bytes, folder: str, version: str) -> bytes:
        """Run a job, and return its answer or its known error, pickled.

        Parameters
        ----------
        work : job and payload, pickled
        folder : that relative paths begin in
        version : of olacore where the work comes from
        """
        import ray.cloudpickle as pickle

        return bytes(pickle.dumps(attempt(_run, (work, folder, version))))


def _run(given: tuple[bytes, str, str], should_stop: ShouldStop) -> Any:
    import ray.cloudpickle as pickle

    work, folder, version = given
    if version != __version__:
        raise ConfigError(
            f"olacore must be the same on all machines; it is {version} here, {__version__} on a worker's."
        )
    try:
        os.chdir(folder)
    except OSError as error:
        raise ConfigError(
            f"the folder {folder} must be there on every machine of Ray; on one it is not ({error.strerror})."
        ) from error
    job, payload = pickle.loads(work)
    return job(payload, should_stop)


def _without_stop(job: Callable[[Payload], Answer], payload: Payload, should_stop: ShouldStop) -> Answer:
    return job(payload)


def _actor(ray: Any, threads: int, kept: float) -> Any:
    """Return what makes actors."""
    environment = {**dict.fromkeys(THREADS, str(threads)), "PYTHONSAFEPATH": "1"}
    environment |= {name: os.environ[name] for name in ("NUMBA_CACHE_DIR",) if name in os.environ}
    return ray.remote(
        num_cpus=kept,
        max_restarts=RESTARTS,
        max_task_retries=RESTARTS,
        scheduling_strategy="SPREAD",
        runtime_env={"env_vars": environment},
    )(Worker)


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError("the backend ray needs the package ray; pip install 'olacore[ray]'.") from error
    return ray


@contextmanager
def _environment(chosen: dict[str, str]) -> Iterator[None]:
    """Set variables that are not set yet, and take them back."""
    missing = {name: value for name, value in chosen.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def _knock(address: str) -> None:
    """Raise `ConfigError` where nothing listens at host:port; Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"Ray: nothing answers at {address} ({error}); name the address of a head node.") from error


@contextmanager
def _unheard(ray: Any) -> Iterator[None]:
    """Keep what Ray tells of workers that die off standard output, where tables and JSON are; no setting does."""
    place, name = ray._private.worker, "_worker_logs_enabled"
    before = getattr(place, name, True)
    setattr(place, name, False)
    try:
        yield
    finally:
        setattr(place, name, before)


def _handle(number: int, handler: Any) -> None:
    # Outside the main thread there is nothing to give back, and what was not set by Python has no name.
    with suppress(ValueError, TypeError):
        signal.signal(number, handler)


def _short_folder() -> str | None:
    """Return a folder for temporary files with a short name."""
    usual = tempfile.gettempdir()
    return "/tmp" if sys.platform != "win32" and len(usual) > SHORT and os.access("/tmp", os.W_OK) else usual


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lost(error: Exception) -> str:
    return (
        f"its process died, also when it was started again, perhaps for want of memory; try fewer workers "
        f"(Ray says: {_first_line(error)})"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
