"""A file and its room stay alike: what is saved in an editor and what is typed in the room merge, also over a restart."""

from __future__ import annotations

import asyncio
import stat

import pytest

from benchmarks.clients import Client, Server
from toscale.server.disk import Unfit, mark_of, read_text, replace_text

DESIGN = "title: A shop  # of ours\nestimates:\n  visits: 2M / day\n  orders: 1000 / day\n"


async def alike(client, path, condition, seconds=60):
    await client.until(lambda: path.read_text() == client.content and condition(client.content), seconds)


def test_both_sides_edit_at_once_and_merge_through_a_kill(tmp_path):
    path = tmp_path / "shop.design.yaml"
    path.write_text(DESIGN)
    path.chmod(0o640)

    async def body():
        server = Server(tmp_path / "data", str(path))
        try:
            seat = server.join(server.host_secret, "Host")
            client = Client(server, seat).begin()
            await client.connected()
            await client.until(lambda: client.content == DESIGN)
            # What is typed in the room comes into the file, whose permissions stay.
            client.type("# typed\n")
            await alike(client, path, lambda text: text.endswith("# typed\n"))
            assert stat.S_IMODE(path.stat().st_mode) == 0o640
            # What is saved comes into the room; both at once merge.
            with server.halted():  # so that nothing comes into the file between reading and writing it
                client.text.insert(0, "# first\n")
                path.write_text(path.read_text().replace("2M / day", "3M / day"))
            await alike(client, path, lambda text: "3M / day" in text and text.startswith("# first\n"))
            # An editor that saves by putting another file in its place.
            other = tmp_path / "other"
            other.write_text(client.content.replace("1000 / day", "1500 / day"))
            other.replace(path)
            await alike(client, path, lambda text: "1500 / day" in text)
            # The server is killed; both go on without it, and merge when it is back.
            server.kill()
            client.type("# offline\n")
            path.write_text(path.read_text().replace("A shop", "The shop"))
            await asyncio.to_thread(server.start)
            await alike(
                client, path, lambda text: text.endswith("# offline\n") and "The shop  # of ours" in text
            )
            # The same file is the same room, by a new link; the old one is none any more.
            again = server.join(server.host_secret, "Host again")
            assert again.room == seat.room
            await client.end()
        finally:
            server.stop()
        # What was typed last is in the file when the server has ended.
        assert path.read_text() == client.content
        assert not [one for one in tmp_path.iterdir() if one.suffix == ".tmp"]

    asyncio.run(body())


def test_what_is_no_text_is_left_alone_and_said(tmp_path):
    path = tmp_path / "a.design.yaml"
    path.write_text(DESIGN)

    async def body():
        server = Server(tmp_path / "data", str(path))
        try:
            client = Client(server, server.join(server.host_secret)).begin()
            await client.connected()
            await client.until(lambda: client.content == DESIGN)
            path.write_bytes(b"\xff\xfe")
            await client.until(lambda: "no UTF-8" in server.stderr)
            assert client.content == DESIGN
            path.write_text(DESIGN + "more: 1\n")
            await client.until(lambda: client.content.endswith("more: 1\n"))
            await client.end()
        finally:
            server.stop()

    asyncio.run(body())


def test_reading_and_writing_a_file(tmp_path):
    path = tmp_path / "file"
    replace_text(path, "é\r\n", None)
    assert path.read_bytes() == "é\r\n".encode()
    assert read_text(path, 4) == "é\r\n"
    with pytest.raises(Unfit, match="MB"):
        read_text(path, 3)
    path.write_bytes(b"\xff")
    with pytest.raises(Unfit, match="UTF-8"):
        read_text(path, 100)
    with pytest.raises(OSError):
        replace_text(tmp_path / "no folder" / "file", "x", None)


def test_what_was_saved_since_the_last_look_is_never_replaced(tmp_path):
    path = tmp_path / "file"
    ours = replace_text(path, "ours", None)
    # Whatever has come to the file's place since then has another mark: it is seen at the next look ...
    assert ours == mark_of(path)
    other = tmp_path / "other"
    other.write_text("them")
    other.replace(path)
    assert ours != mark_of(path)
    # ... and stays until it has been.
    assert replace_text(path, "ours again", ours) is None
    assert path.read_text() == "them"
    assert replace_text(path, "merged", mark_of(path)) == mark_of(path)
    assert path.read_text() == "merged"
    # A file that is gone is written anew.
    path.unlink()
    assert replace_text(path, "back", ours) == mark_of(path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
