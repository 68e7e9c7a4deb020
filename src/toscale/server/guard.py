"""What does every request meet first? Whether it is meant for this server, comes from its own pages, and is neither
too large nor too frequent; and every answer leaves with the same headers.

- **Host** must be a name of this server. So a page whose name was bent to 127.0.0.1 (DNS rebinding) gets nothing.
- **Origin**, where a browser sends one, must be one of ours: no other page can ask for anything, and there are no
  CORS headers that would allow it. Programs send none, and need a secret anyhow.
- **Content-Security-Policy** lets pages load from here only, and run no inline script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from toscale.server.connection import Bucket
from toscale.server.limits import Limits

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CONTENT_SECURITY_POLICY", "Guard", "Names", "refusal_json"]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
SOCKET = re.compile(r"/api/rooms/[^/]+/socket")
"""The one place where a WebSocket may be opened."""
MOST_ADDRESSES = 10_000
"""So many addresses are counted; those that were quiet are forgotten first."""


def refusal_json(code: str, why: str, instead: str = "") -> dict[str, object]:
    """How every refusal is written: a code, the cause, and the mend."""
    return {"error": {"code": code, "why": why, "instead": instead}}


class Names:
    """By which names the server is reached. `origins` are whole ones, such as `https://design.example.org`, for a
    server behind a proxy.
    """

    def __init__(self, hosts: Iterable[str], port: int, origins: Iterable[str] = ()) -> None:
        """Raises ValueError for an origin that is none."""
        self.hosts: set[str] = set()
        self.origins: set[str] = set()
        for host in hosts:
            bracketed = f"[{host}]" if ":" in host else host.lower()
            self.hosts |= {f"{bracketed}:{port}"} | ({bracketed} if port == 80 else set())
        self.origins = {f"http://{host}" for host in self.hosts}
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
                raise ValueError(f"an origin is such as https://design.example.org, not {origin!r}")
            self.hosts.add(parts.netloc.lower())
            self.origins.add(f"{parts.scheme}://{parts.netloc.lower()}")


class Guard:
    """Stands before the application, for HTTP and for WebSocket."""

    def __init__(self, app: ASGIApp, names: Names, limits: Limits) -> None:
        self._app, self._names, self._limits = app, names, limits
        self._buckets: dict[str, Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if scope["type"] == "websocket":
            if refused is not None or not SOCKET.fullmatch(str(scope["path"])):
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
                return
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out.setdefault(name, value)
                out.setdefault("cache-control", "no-store")
            await send(message)

        if refused is not None:
            status, code, why, instead = refused
            await _answer(sending, status, refusal_json(code, why, instead))
            return
        most = self._limits.file if _takes_a_file(scope) else self._limits.body
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            await _drained(receive, 4 * most)
            await _answer(sending, 413, refusal_json("size", f"A request here has at most {most:,} bytes."))
            return
        await self._app(scope, _bounded(receive, most), sending)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str, str, str] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._names.hosts:
            known = " or ".join(sorted(self._names.hosts))
            return (
                421,
                "host",
                "This server is not called so.",
                f"Ask for {known}, or start it with --origin.",
            )
        origins = headers.getlist("origin")
        if any(origin.lower() not in self._names.origins for origin in origins):
            return 403, "origin", "Pages from elsewhere can ask for nothing here.", ""
        if not self._bucket(scope).has():
            return 429, "rate", "Too many requests come from this address.", "Wait a second."
        return None

    def _bucket(self, scope: Scope) -> Bucket:
        client = scope.get("client")
        address = client[0] if client else ""
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= MOST_ADDRESSES:
                self._buckets = {key: one for key, one in self._buckets.items() if not one.full}
            limits = self._limits
            bucket = self._buckets[address] = Bucket(limits.requests_per_second, limits.requests_burst)
        return bucket


def _takes_a_file(scope: Scope) -> bool:
    """Whether a request may hold a whole design."""
    return str(scope["path"]).endswith("/file") or scope["path"] == "/api/rooms"


def _bounded(receive: Receive, most: int) -> Receive:
    """What is received, cut off where a body without a length grows too long."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > most else message

    return bounded


async def _drained(receive: Receive, most: int) -> None:
    """Take what comes and forget it: whoever is still sending hears no answer."""
    taken = 0
    while taken <= most:
        message = await receive()
        taken += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


async def _answer(send: Send, status: int, values: object) -> None:
    body = json.dumps(values).encode("utf-8")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
