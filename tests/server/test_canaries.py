"""What a role may not see never reaches its browser: canaries are looked for in every byte that it was sent.

Through live events, results, replies, reconnects with and without a history, and over HTTP too.
"""

from __future__ import annotations

import asyncio
import json

from benchmarks.clients import Client

FACT, NOTE, LABEL, CODE = "CANARY-fact-7f3a", "CANARY-note-91bc", "CANARY-label-55d0", "CANARY-accommodation"


def test_a_candidate_and_an_observer_receive_nothing_that_is_hidden(server):
    async def body():
        host_seat, seat, other, watcher = server.seats(
            "title: A\n", roles=("candidate", "interviewer", "observer"), accommodation=150
        )
        host, candidate, second, observer = (
            Client(server, one).begin() for one in (host_seat, seat, other, watcher)
        )
        everyone = (host, candidate, second, observer)
        for client in everyone:
            await client.connected()

        async def scene(number):
            """All that could leak, said once more."""
            assert (await host.command("add_fact", text=f"{FACT} {number}", sets=["peak"]))["refused"] is None
            assert (await second.command("note", text=f"{NOTE} {number}"))["refused"] is None
            made = await host.command("invite", role="interviewer", label=f"{LABEL} {number}")
            secrets.append(made["invitations"][0]["secret"])
            turned = await host.command("rotate", invitation=made["invitations"][0]["invitation"])
            secrets.append(turned["invitations"][0]["secret"])
            assert (await candidate.command("ask", text=f"How many {number}?"))["refused"] is None
            assert (await candidate.command("disclose", fact=1, question=None))["refused"]["code"] == "role"
            host.type(f"# {number}\n")

        secrets = [host_seat.token, other.token, watcher.token]
        await scene(1)
        assert (await host.command("start"))["refused"] is None
        await candidate.cut()  # comes back with what it has seen
        await candidate.until(lambda: len(candidate.codes) == 1 and candidate.web is not None)
        await scene(2)
        fresh = Client(server, seat).begin()  # another tab, without a history
        await fresh.connected()
        await scene(3)
        asked = 3
        await candidate.until(
            lambda: (
                sum(one["type"] == "asked" for one in candidate.events) == asked
                and fresh.content == candidate.content == host.content
            )
        )
        await observer.until(lambda: sum(one["type"] == "asked" for one in observer.events) == asked)
        assert FACT.encode() in host.everything, "the canary is alive"
        assert NOTE.encode() in second.everything
        assert LABEL.encode() in host.everything
        assert NOTE.encode() not in host.everything, "a private note is its author's alone"

        def over_http(token):
            answers = [
                server.ask("GET", f"/api/rooms/{seat.room}{path}", token=token)[2]
                for path in ("", "/file", "/log")
            ]
            return b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in answers)

        for client, token in ((candidate, seat.token), (fresh, seat.token), (observer, watcher.token)):
            received = client.everything + await asyncio.to_thread(over_http, token)
            for canary in (FACT, NOTE, LABEL, *(secret for secret in secrets if secret != token)):
                assert canary.encode() not in received, (canary, client.seat.role)
        interviewer = second.everything + await asyncio.to_thread(over_http, other.token)
        assert LABEL.encode() not in interviewer, "invitations are the host's"
        assert b'"factor":150' not in interviewer, "who scores does not see the accommodation"
        assert b'"factor": 150' not in interviewer
        assert b'"factor":150' in candidate.everything
        for client in (candidate, fresh, observer):
            seqs = [one["seq"] for one in client.events]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), (
                "a gap would tell that something was hidden"
            )
        # A fact that is disclosed is hidden no more; which one it was stays so.
        assert (await host.command("disclose", fact=1, question=1))["refused"] is None
        await candidate.until(lambda: any(one["type"] == "disclosed" for one in candidate.events))
        (told,) = [one for one in candidate.events if one["type"] == "disclosed"]
        assert told["data"]["text"] == f"{FACT} 1"
        assert told["data"]["fact"] is None
        for client in (*everyone, fresh):
            await client.end()

    asyncio.run(body())


def test_one_rooms_secrets_let_nobody_into_another_nor_do_invitations_open_a_socket(server):
    async def body():
        mine, _ = server.seats("title: Mine\n", roles=("candidate",))
        yours, _ = server.seats("title: Yours\n", roles=("candidate",))
        mine_made = server.invite(mine, "interviewer")
        for room, token in (
            (yours.room, mine.token),
            (mine.room, mine_made["secret"]),
            ("0" * 16, mine.token),
        ):
            client = Client(server, type(mine)(room, 1, "interviewer", True, token))
            assert await client.once() == 4401
            assert client.received == []
            status, _, _ = server.ask("GET", f"/api/rooms/{room}/file", token=token)
            assert status == 401

    asyncio.run(body())


def test_no_secret_is_in_what_the_server_writes_about_itself(server):
    host, candidate = server.seats(roles=("candidate",))
    server.ask("POST", "/api/join", {"invitation": host.token, "name": "x" * 500})
    server.ask("GET", f"/api/rooms/{host.room}/nothing", token=candidate.token)
    written = server.stderr + "\n".join(line for line in server.lines if "#" not in line)
    for secret in (host.token, candidate.token, server.key):
        assert secret not in written
