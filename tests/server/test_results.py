"""Results keep up: only the latest text is computed, what is of yesterday is cancelled, and a room has its share."""

from __future__ import annotations

import asyncio
import json

import pytest

from toscale.server import results
from toscale.server.compute import Quick, QuickJob, SimulateJob
from toscale.server.limits import Limits
from toscale.server.results import Compute, Results, Shown
from toscale.server.workers import Failed, Workers


class Desk:
    """Workers that do what they are told, when they are told."""

    def __init__(self):
        self.jobs, self.cancelled, self.answer = [], [], asyncio.Queue()

    async def run(self, job, _seconds, heard=None):
        asked = job()
        self.jobs.append(asked)
        try:
            answer = await self.answer.get()
        except asyncio.CancelledError:
            self.cancelled.append(asked)
            raise
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(heard)
        return answer


class Stage:
    """A room without people: its text, and what was shown."""

    def __init__(self, limits=None, watched=True):
        self.text, self.shown, self.known = "a", [], []
        self.quick, self.simulation = Desk(), Desk()
        room = Shown(
            lambda: QuickJob(self.text),
            lambda slot, message: self.shown.append((slot, json.loads(message))),
            self.note,
            lambda: watched,
        )
        self.results = Results(room, Compute(self.quick, self.simulation), limits or Limits())

    async def note(self, text, found):
        self.known.append(text)

    def type(self, text):
        self.text = text
        self.results.changed()

    def answer(self, simulable=True):
        self.quick.answer.put_nowait(Quick({"problems": []}, {}, (), simulable))


def played(scene, **how):
    async def body():
        stage = Stage(**how)
        try:
            await asyncio.wait_for(scene(stage), 20)
        finally:
            await stage.results.close()

    asyncio.run(body())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(results, "SETTLE", 0.01)


def test_however_many_type_one_job_is_under_way_and_the_next_is_of_the_latest_text():
    async def scene(stage):
        for text in "abcdefgh":
            stage.type(text)
            await asyncio.sleep(0)
        await until(lambda: stage.quick.jobs)
        first = stage.quick.jobs[0].text
        for text in "ijklmno":
            stage.type(text)
            await asyncio.sleep(0)
        assert len(stage.quick.jobs) == 1
        stage.answer()
        await until(lambda: len(stage.quick.jobs) == 2)
        stage.answer()
        await until(lambda: len(stage.known) == 2)
        assert stage.known == [first, "o"]
        assert [job.text for job in stage.quick.jobs] == [first, "o"]

    played(scene)


def test_a_simulation_of_yesterdays_text_is_cancelled_and_never_shown():
    async def scene(stage):
        stage.type("old")
        stage.answer()
        await until(lambda: stage.simulation.jobs)
        stage.type("new")
        await until(lambda: stage.simulation.cancelled)
        stage.answer()
        await until(lambda: len(stage.simulation.jobs) == 2)

        def steps(heard):
            heard("progress", {"fraction": 0.5})
            heard("step", {"last": True, "precision": 0.05})

        stage.simulation.answer.put_nowait(steps)
        await until(lambda: any(slot == "simulation" for slot, _ in stage.shown))
        assert [job.text for job in stage.simulation.jobs] == ["old", "new"]
        revisions = {
            message["revision"] for slot, message in stage.shown if slot in ("simulation", "progress")
        }
        assert revisions == {results.revision_of("new")}
        assert stage.results.latest.keys() == {"results", "simulation"}, "a finished one has no progress"
        # The same text again, with another agreement, say, is not simulated again.
        stage.results.changed()
        stage.answer()
        await until(lambda: len(stage.known) == 3)
        await asyncio.sleep(0.05)
        assert len(stage.simulation.jobs) == 2

    played(scene)


def test_nothing_is_simulated_for_nobody_nor_what_cannot_be():
    async def scene(stage):
        stage.type("a")
        stage.answer()
        await until(lambda: stage.known)
        await asyncio.sleep(0.05)
        assert not stage.simulation.jobs

    played(scene, watched=False)

    async def other(stage):
        stage.type("a")
        stage.answer(simulable=False)
        await until(lambda: any(slot == "simulation" for slot, _ in stage.shown))
        assert stage.results.latest["simulation"].count('"none"') == 1
        assert not stage.simulation.jobs

    played(other)


def test_a_room_that_has_used_up_its_time_waits_and_says_so():
    async def scene(stage):
        for number in range(3):
            stage.type(f"text {number}")
            stage.answer()
            await until(lambda n=number: len(stage.simulation.jobs) > n or "waits" in str(stage.shown))
            if len(stage.simulation.jobs) > number:
                await asyncio.sleep(0.02)
                stage.simulation.answer.put_nowait(Failed("no"))
                await until(lambda: stage.simulation.answer.empty())
                await asyncio.sleep(0.01)
        waits = [message for slot, message in stage.shown if message.get("state") == "waits"]
        assert waits
        assert "used up" in waits[0]["reason"]
        assert len(stage.simulation.jobs) < 3

    played(scene, limits=Limits(work_per_hour=0.04))


def test_what_fails_is_said_and_the_next_text_is_computed_all_the_same():
    async def scene(stage):
        stage.type("a")
        stage.quick.answer.put_nowait(Failed("It took longer than 15 s."))
        await until(lambda: stage.shown)
        assert stage.shown[0][1]["reason"] == "It took longer than 15 s."
        stage.type("b")
        stage.answer()
        await until(lambda: stage.known == ["b"])

    played(scene)


def test_one_can_wait_for_the_answer_to_the_present_text():
    async def scene(stage):
        await stage.results.settled(5)  # nothing is asked for: nothing to wait for
        stage.type("a")
        waiting = asyncio.create_task(stage.results.settled(5))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        stage.answer()
        await waiting
        stage.type("b")
        await stage.results.settled(0.05)  # and not for ever

    played(scene)


def test_workers_that_are_too_slow_or_cancelled_are_there_for_the_next_job():
    """Real processes."""

    async def body():
        workers = Workers(1, "warm quick")
        try:
            found = await workers.run(lambda: QuickJob("title: A\n"), 60)
            assert found.answer["title"] == "A"
            long = "title: B\nestimates:\n" + "".join(
                f"  e{n}: {n + 1}M to {n + 2}M / day\n" for n in range(1_500)
            )
            with pytest.raises(Failed, match=r"longer than 0\.01 s"):
                await workers.run(lambda: QuickJob(long), 0.01)
            task = asyncio.create_task(workers.run(lambda: QuickJob("title: C\n"), 60))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            found = await workers.run(lambda: QuickJob("title: D\n"), 60)
            assert found.answer["title"] == "D"
            with pytest.raises(Failed, match="not YAML"):
                await workers.run(lambda: SimulateJob("flows: [", (), 1_000, 5.0), 60)
        finally:
            await workers.close()

    asyncio.run(body())
