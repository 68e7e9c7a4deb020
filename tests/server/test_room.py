"""A session in a room, live: commands and events, roles, results, what is thrown in, who is put out."""

from __future__ import annotations

import asyncio
import json

from benchmarks.clients import Client, whole
from toscale.server import yjs

DESIGN = """\
title: A counter
requirements:
  users: {visitor: looks}
  non_functional: {quick: p99(look) <= 100 ms}
estimates:
  visits: 2M to 4M / day
components:
  app: {kind: service, replicas: 2, cores: 2}
flows:
  look: {from: visitor, rate: visits, steps: [{app: 5 ms}]}
"""


def play(server, scene, text=DESIGN, roles=("candidate", "observer"), **values):
    """Play a scene with a client for the host and for each role."""

    async def body():
        clients = [Client(server, seat).begin() for seat in server.seats(text, roles, **values)]
        try:
            for client in clients:
                await client.connected()
                await client.until(lambda client=client: client.content == text)
            await scene(*clients)
        finally:
            for client in clients:
                await client.end()

    asyncio.run(body())


def computed(client, kind, condition):
    return any(one["type"] == kind and condition(one) for one in client.messages)


def test_the_theory_answers_typing_and_the_simulation_follows_with_narrower_intervals(server):
    async def scene(host, candidate, _):
        await host.until(lambda: computed(host, "results", lambda one: one["theory"] is not None))
        await host.until(lambda: computed(host, "simulation", lambda one: one["state"] == "done"), 60)
        steps = [one for one in host.messages if one["type"] == "simulation"]
        first, last = steps[0], steps[-1]
        assert (first["precision"], last["precision"]) == (0.2, 0.05)

        def width(one):
            figure = one["flows"]["look"]["latency"]["p99"]
            return (figure["high"] - figure["low"]) / figure["value"]

        assert width(last) < width(first)
        assert last["conditions"][0]["status"] == "met"
        # Someone types: the answer is of the new text, with its revision.
        at = len(candidate.messages)
        where = DESIGN.index("5 ms")
        host.text.insert(where, "1")
        await candidate.until(
            lambda: any(
                one["type"] == "results" and one["revision"] != last["revision"]
                for one in candidate.messages[at:]
            )
        )
        theory = candidate.latest("results")["theory"]
        assert theory["flows"]["look"]["latency"] > 0.015
        await candidate.until(lambda: any(one["type"] == "marked" for one in candidate.events))

    play(server, scene)


def test_a_text_with_errors_has_its_problems_at_their_places_and_no_figures(server):
    async def scene(host, *_):
        host.text.insert(DESIGN.index("app: 5 ms"), "x")
        await host.until(lambda: computed(host, "results", lambda one: "reason" in one))
        said = host.latest("results")
        assert said.get("theory") is None
        (line,) = {one["line"] for one in said["problems"] if "xapp" in one["message"]}
        assert line == 10

    play(server, scene)


def test_what_is_thrown_in_moves_the_figures_of_all_until_it_is_taken_out(server):
    async def scene(host, candidate, _):
        def rate():
            found = candidate.latest("results")
            return found and found["theory"] and found["theory"]["flows"]["look"]["rate"]

        await candidate.until(rate)
        before = rate()
        text = candidate.content
        assert (await candidate.command("throw", kind="growth", text="10x"))["refused"]["code"] == "role"
        assert (await host.command("throw", kind="growth", text="10x"))["refused"] is None
        await candidate.until(lambda: rate() > 9 * before)
        assert (await host.command("throw", kind="surge", text="surge: look, by: 2x"))["refused"] is None
        await candidate.until(lambda: rate() > 19 * before)
        assert candidate.latest("results")["injections"] == [
            {"number": 1, "computed": True, "why": None},
            {"number": 2, "computed": True, "why": None},
        ]
        assert (await host.command("clear", injection=1))["refused"] is None
        assert (await host.command("clear", injection=2))["refused"] is None
        await candidate.until(lambda: rate() < 1.1 * before)
        assert candidate.content == text, "the file is not touched"

    play(server, scene)


def test_what_cannot_be_computed_is_refused_with_the_reason(server):
    async def scene(host, *_):
        for kind, text, why in (
            ("fault", "lose: ap", "Did you mean `app`"),
            ("growth", "lots", "multiple"),
            ("surge", "{surge: look, by: 4x, for: 3 min}", "leave out `for`"),
            ("surge", "{surge: look}", "factor"),
            ("fault", "the weather", "No fault of the design"),
        ):
            refused = (await host.command("throw", kind=kind, text=text))["refused"]
            assert refused is not None, (kind, text)
            assert why in refused["why"], refused
        assert (await host.command("throw", kind="curveball", text="It must work offline."))[
            "refused"
        ] is None
        assert [one["type"] for one in host.events if one["type"] == "thrown"] == ["thrown"]

    play(server, scene, roles=())


def test_only_those_who_may_edit_do_and_nobody_after_the_end(server):
    async def scene(host, candidate, observer):
        observer.synced.set()  # nobody asked it for what it has, and it sends all the same
        observer.type("# mine")
        await observer.until(lambda: observer.denied)
        assert "edit" in observer.denied[0]
        candidate.type("# ours")
        await host.until(lambda: host.content == DESIGN + "# ours")
        assert (await host.command("start"))["refused"] is None
        assert (await candidate.command("end"))["refused"]["code"] == "role"
        assert (await host.command("end"))["refused"] is None
        candidate.type("# late")
        await candidate.until(lambda: candidate.denied)
        assert host.content == DESIGN + "# ours"
        assert candidate.saved < candidate.sent, "what was refused is never said to be saved"

    play(server, scene)


def test_a_revoked_link_and_a_leaver_lose_connection_and_seat_at_once(server):
    async def scene(host, candidate, observer):
        assert (await host.command("revoke", invitation=2))["refused"] is None
        await candidate.until(lambda: candidate.codes == [4403])
        assert await candidate.once() == 4401
        await observer.web.send('{"type": "command", "id": 1, "command": {"command": "leave"}}')
        await observer.until(lambda: observer.codes[-1:] == [4403])
        status, _, _ = server.ask("GET", f"/api/rooms/{observer.seat.room}", token=observer.seat.token)
        assert status == 401
        assert [one["data"]["removed"] for one in host.events if one["type"] == "left"] == [True, False]

    play(server, scene)


def test_a_rotated_link_lets_nobody_in_any_more_and_the_new_one_does(server):
    host = server.join(server.create()["invitation"], "Host")
    old = server.invite(host, "candidate")
    server.join(old["secret"])
    path = f"/api/rooms/{host.room}/invitations/{old['invitation']}"
    status, _, new = server.ask("POST", f"{path}/rotate", token=host.token)
    assert status == 201
    assert server.ask("POST", "/api/join", {"invitation": old["secret"], "name": "Eve"})[0] == 401
    assert server.join(new["secret"], "Ben").role == "candidate"
    assert server.ask("DELETE", path, token=host.token)[0] == 204
    assert server.ask("DELETE", f"{path}9999", token=host.token)[0] == 409


def test_cursors_are_handed_on_and_vanish_with_their_browser(server):
    async def scene(host, candidate, _):
        entry = yjs.Presence(candidate.doc.client_id, 1, json.dumps({"cursor": 5}))
        await candidate.web.send(yjs.written_presence([entry]))
        (heard,) = await asyncio.wait_for(host.presence.get(), 10)
        assert json.loads(heard.state) == {"cursor": 5, "participant": 2}
        await candidate.cut()
        (gone,) = await asyncio.wait_for(host.presence.get(), 10)
        assert (gone.client, gone.state) == (heard.client, "null")

    play(server, scene)


def test_an_erased_room_is_gone_for_everyone(server):
    async def scene(host, candidate, _):
        path = f"/api/rooms/{host.seat.room}"
        assert server.ask("DELETE", path, token=candidate.seat.token)[0] == 403
        status, *_ = await asyncio.to_thread(server.ask, "DELETE", path, None, host.seat.token)
        assert status == 204
        await candidate.until(lambda: candidate.codes == [4410])
        assert server.ask("GET", path, token=host.seat.token)[0] == 401

    play(server, scene)


def test_the_file_can_be_taken_and_replaced_while_others_type(server):
    async def scene(host, candidate, observer):
        path = f"/api/rooms/{host.seat.room}/file"
        status, headers, body = server.ask("GET", path, token=observer.seat.token)
        assert (status, body.decode()) == (200, DESIGN)
        assert "attachment" in headers["content-disposition"]
        new = DESIGN.replace("A counter", "A better counter").encode()
        candidate.type("# typed\n")
        await candidate.until(lambda: whole(candidate))
        status, *_ = server.ask("PUT", path, data=new + b"# typed\n", token=host.seat.token)
        assert status == 200
        await candidate.until(lambda: candidate.content == new.decode() + "# typed\n")
        assert server.ask("PUT", path, data=new, token=observer.seat.token)[0] == 403
        assert server.ask("PUT", path, data=b"\xff\xfe", token=host.seat.token)[0] == 415
        assert server.ask("PUT", path, data=b"x" * 1_000_001, token=host.seat.token)[0] == 413

    play(server, scene)


def test_one_seat_has_so_many_connections_and_no_more(server):
    async def scene(host):
        tabs = [Client(server, host.seat).begin() for _ in range(7)]
        for tab in tabs:
            await tab.connected()
        assert await Client(server, host.seat).once() == 4409
        for tab in tabs:
            await tab.end()

    play(server, scene, roles=())


def test_the_log_is_exported_as_its_reader_may_see_it(server):
    host, candidate = server.seats(roles=("candidate",))
    logs = []
    for seat in (host, candidate):
        status, _, body = server.ask("GET", f"/api/rooms/{host.room}/log", token=seat.token)
        assert status == 200
        log = [json.loads(line) for line in body.splitlines()]
        assert [one["seq"] for one in log] == list(range(1, len(log) + 1))
        logs.append([one["type"] for one in log])
    assert logs[0] == ["opened", "invited", "joined", "invited", "joined"]
    assert logs[1] == ["opened", "joined", "joined"]
