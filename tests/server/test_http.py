"""The HTTP interface: what it refuses, what every answer carries, and that nothing asked of it makes it fail."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys

import pytest

from toscale.server.guard import CONTENT_SECURITY_POLICY, Names


def raw(server, method="GET", path="/", headers=None, body=None, host=None):
    """A request with exactly these headers; status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("host", host or f"127.0.0.1:{server.port}")
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,missing_required_header,unsupported_method,ignored_auth"
)
"""What schemathesis looks at in each answer."""
JUDGED = ",negative_data_rejection,positive_data_acceptance"
"""Whether what is allowed was accepted, and only that: where it does not know a room, whose name it may not change."""


# --- host and origin ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1", "localhost:1", ""])
def test_a_name_that_was_bent_to_this_machine_gets_nothing(server, host):
    status, _, body = raw(server, host=host or " ", path="/api/health")
    assert status in (400, 421)
    assert b"version" not in body


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://localhost:1"])
def test_pages_from_elsewhere_get_nothing_and_no_permission(server, origin):
    for method in ("GET", "POST", "OPTIONS"):
        status, headers, _ = raw(server, method, "/api/rooms", {"origin": origin})
        assert status == 403
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_its_own_pages_may_ask(server):
    for name in ("127.0.0.1", "localhost"):
        own = f"http://{name}:{server.port}"
        status, *_ = raw(server, path="/api/health", headers={"origin": own}, host=f"{name}:{server.port}")
        assert status == 200


def test_a_socket_from_elsewhere_is_not_opened(server):
    for headers in ({"origin": "http://evil.example"}, {}):
        host = None if headers else "evil.example"
        key = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"}
        key["sec-websocket-key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
        status, *_ = raw(server, path="/api/rooms/x/socket", headers={**headers, **key}, host=host)
        assert status == 403
    for path in ("/", "/x/socket", "/api/rooms/a/b/socket", "/api/health"):
        assert raw(server, path=path, headers=key)[0] == 403


def test_names_behind_a_proxy():
    names = Names(("127.0.0.1", "::1"), 8642, ["https://design.example.org"])
    assert names.hosts == {"127.0.0.1:8642", "[::1]:8642", "design.example.org"}
    assert "https://design.example.org" in names.origins
    assert "http://design.example.org" not in names.origins
    with pytest.raises(ValueError, match="https"):
        Names((), 80, ["design.example.org/path"])


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/page.css", "/api/health", "/api/openapi.json", "/nothing", "/api/rooms/x"]
)
def test_every_answer_has_the_headers_that_keep_scripts_out(server, path):
    _, headers, _ = raw(server, path=path)
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["server"] is None


def test_the_policy_runs_no_inline_script_and_the_page_needs_none(server):
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY
    status, _, body = raw(server)
    assert status == 200
    page = body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+\s*=|style\s*=|javascript:", page)
    assert "/api/openapi.json" in page


def test_the_pages_give_nothing_but_themselves(server):
    for path in ("/../store.py", "/%2e%2e/store.py", "/..%2fstore.py", "/static/../../store.py"):
        assert raw(server, path=path)[0] == 404


def test_a_refusal_says_why_and_repeats_nothing_that_was_sent(server):
    status, _, body = server.ask("POST", "/api/join", {"invitation": "s3cret" * 30, "name": "Ann"})
    assert status == 422
    assert "s3cret" not in json.dumps(body)
    assert body["error"]["why"]
    for token in (None, "nonsense", "x" * 43):
        status, headers, body = server.ask("POST", "/api/rooms", {"title": "A"}, token=token)
        assert status == 401
        assert body["error"]["instead"]
        assert headers["www-authenticate"] == "Bearer"


def test_what_is_too_large_is_refused_before_it_is_read(server):
    assert server.ask("POST", "/api/join", data=b" " * 64_001)[0] == 413
    length = {"transfer-encoding": "chunked", "content-type": "application/json"}
    chunks = b"".join(b"8000\r\n" + b" " * 0x8000 + b"\r\n" for _ in range(4)) + b"0\r\n\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("POST", "/api/join")
    for name, value in length.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        connection.send(chunks)
        assert connection.getresponse().status in (400, 413, 422)
    except (ConnectionError, http.client.RemoteDisconnected):
        pass  # it was cut off, which is an answer too
    connection.close()
    assert raw(server, path="/api/health")[0] == 200


def test_a_room_with_a_length_and_a_title_that_cannot_be_is_refused(server):
    for values in (
        {"title": ""},
        {"title": " "},
        {"title": "a\nb"},
        {"title": "x" * 201},
        {"length": 4},
        {"kind": "party"},
    ):
        status, _, body = server.ask("POST", "/api/rooms", {"title": "A", **values}, token=server.key)
        assert status == 422, values
        assert body["error"]["why"]


# --- everything that its description allows, and more -----------------------------------------------------------------


def test_nothing_that_can_be_asked_makes_it_fail(server, tmp_path):
    """Schemathesis asks each operation what its description allows and what it does not: as the host, in a room that
    is there, so that it comes further than the door. Only what would end the room is left out, and tested above.
    """
    host = server.join(server.create("title: A\n")["invitation"], "Host")
    config = tmp_path / "schemathesis.toml"
    for token, room, paths, checks in (
        (host.token, host.room, r"^/api/rooms/.*$", CHECKS),
        (server.key, None, r"^/api/(health|join|rooms)$", CHECKS + JUDGED),
    ):
        config.write_text(f'[parameters]\n"path.room" = "{room}"\n' if room else "", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(config),
            "--no-color",
            "run",
        ]
        command += [f"{server.base}/api/openapi.json", "--include-path-regex", paths]
        command += ["--exclude-operation-id-regex", "erase|leave"]
        command += ["--header", f"Authorization: Bearer {token}", "--generation-database", "none"]
        command += [
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "8",
            "--seed",
            "1",
            "--mode",
            "all",
        ]
        command += ["--checks", checks]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-1_000:]
    assert raw(server, path="/api/health")[0] == 200
    assert "Traceback" not in server.stderr
