"""Where is it computed? In processes of their own, so that the event loop never waits for arithmetic.

Each worker takes one job at a time and sends back messages: progress, steps, and at last that it is done or what went
wrong. A job is cancelled by a message; a worker that does not answer in time is ended and started anew. When the
server dies, however, its workers see their pipes close and end too.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Literal, TypeAlias

from toscale.server.compute import QuickJob, SimulateJob, ThrowJob

__all__ = ["Failed", "Workers"]

Warm: TypeAlias = Literal["warm quick", "warm simulation"]
Job: TypeAlias = QuickJob | SimulateJob | ThrowJob | Warm
_CANCEL = "cancel"
GRACE = 5.0
"""Seconds in which a cancelled job must end."""
START = 180.0
"""Seconds in which a worker must have started: on a machine that is new to this version it compiles the engine."""


class Failed(Exception):
    """A job came to nothing; the text says why."""


class Workers:
    """A number of worker processes. Made and used in one event loop; a worker starts with its first job."""

    def __init__(self, count: int, warm: Warm) -> None:
        """`warm`: what each does first, which is not counted as time of a job."""
        self._free: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="toscale-worker")
        self._all = [_Worker(self._threads, warm) for _ in range(count)]
        for worker in self._all:
            self._free.put_nowait(worker)

    async def run(
        self,
        job: Callable[[], Job],
        seconds: float,
        heard: Callable[[str, Any], None] = lambda *_: None,
    ) -> Any:
        """The result of a job, once a worker is free; `job` is asked for it only then. `heard` gets what the worker
        says meanwhile.

        Raises `Failed`; when the awaiting task is cancelled, so is the job.
        """
        worker = await self._free.get()
        try:
            return await worker.run(job(), seconds, heard)
        finally:
            self._free.put_nowait(worker)

    async def close(self) -> None:
        """End all workers."""
        await asyncio.gather(*(worker.end() for worker in self._all))
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """One process, and the way to talk to it."""

    def __init__(self, threads: ThreadPoolExecutor, warm: Warm) -> None:
        self._threads, self._warm = threads, warm
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._sending = threading.Lock()
        self._number = 0  # of the last job

    async def run(self, job: Job, seconds: float, heard: Callable[[str, Any], None]) -> Any:
        if self._process is None:
            await self._run(self._warm, START, heard)
        return await self._run(job, seconds, heard)

    async def _run(self, job: Job, seconds: float, heard: Callable[[str, Any], None]) -> Any:
        loop = asyncio.get_running_loop()
        self._number += 1
        talk = loop.run_in_executor(self._threads, self._talk, job, loop, heard)
        talk.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may end for nobody
        try:
            return await asyncio.wait_for(asyncio.shield(talk), seconds)
        except TimeoutError:
            self._kill()
            raise Failed(f"It took longer than {seconds:g} s.") from None
        except asyncio.CancelledError:
            self._cancel(self._number)
            done, _ = await asyncio.shield(asyncio.wait({talk}, timeout=GRACE))
            if not done:
                self._kill()
            raise
        finally:
            if not talk.done():
                await asyncio.wait({talk}, timeout=GRACE)

    def _talk(self, job: Job, loop: asyncio.AbstractEventLoop, heard: Callable[[str, Any], None]) -> Any:
        """Send a job and listen until it is done; in a thread."""
        pipe = self._started()
        try:
            with self._sending:
                pipe.send((self._number, job))
            while True:
                kind, value = pipe.recv()
                if kind == "done":
                    return value
                if kind == "failed":
                    raise Failed(value)
                loop.call_soon_threadsafe(heard, kind, value)
        except (EOFError, OSError):
            self._process = self._pipe = None
            raise Failed("The process that computed it has died.") from None

    def _started(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there,), name="toscale-worker", daemon=True)
        process.start()
        there.close()
        self._process, self._pipe = process, here
        return here

    def _cancel(self, number: int) -> None:
        """Tell the worker that nobody waits for a job; in a thread, for a pipe may be full."""

        def say() -> None:
            pipe = self._pipe
            if pipe is not None:
                with self._sending, contextlib.suppress(OSError, ValueError):
                    pipe.send((number, _CANCEL))

        threading.Thread(target=say, daemon=True).start()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    async def end(self) -> None:
        process = self._process
        if process is not None:
            process.terminate()
            await asyncio.to_thread(process.join, GRACE)
            if process.is_alive():
                process.kill()


# --- in the worker ------------------------------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """What a worker does, from its start to its end: takes jobs from the pipe, and says what comes of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches the whole family
    if hasattr(os, "nice"):
        os.nice(5)  # keystrokes come first
    jobs: SimpleQueue[Any] = SimpleQueue()
    cancelled = threading.Event()
    saying = threading.Lock()
    newest = [0]

    def listen() -> None:
        while True:
            try:
                heard = pipe.recv()
            except (EOFError, OSError):
                os._exit(0)  # the server is gone; whatever runs is for nobody
            number, job = heard
            if job != _CANCEL:
                newest[0] = number
                cancelled.clear()
                jobs.put(job)
            elif number == newest[0]:  # else it is for a job that has ended by itself
                cancelled.set()

    def say(kind: str, value: Any) -> None:
        with saying:
            pipe.send((kind, value))

    threading.Thread(target=listen, daemon=True).start()
    while True:
        job = jobs.get()
        try:
            say("done", _result(job, say, cancelled))
        except BaseException as error:
            say("failed", _reason(error))


def _result(job: Job, say: Callable[[str, Any], None], cancelled: threading.Event) -> Any:
    from toscale.server.compute import quick, simulate_steps, throwable

    if isinstance(job, QuickJob):
        return quick(job)
    if isinstance(job, SimulateJob):
        for step in simulate_steps(job, lambda values: say("progress", values), cancelled):
            say("step", step)
        return None
    if isinstance(job, ThrowJob):
        return throwable(job)
    if job == "warm simulation":
        from toscale.simulate.run import compile_engine

        compile_engine()
    else:
        quick(QuickJob("title: warm\n"))  # imports what is needed
    return None


def _reason(error: BaseException) -> str:
    from toscale.design.problems import DesignError
    from toscale.simulate.replications import Cancelled

    if isinstance(error, Cancelled):
        return "cancelled"
    if isinstance(error, DesignError):
        return "; ".join(problem.message for problem in error.problems)
    return f"{type(error).__name__}: {error}"
