"""Refuses requests before they cost anything: of strangers, too large, too slow, too many."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairtrial.serving.limits import ServingLimits

OPEN = ("/", "/health", "/docs", "/openapi.json", "/page.css", "/page.js")  # need no token


class Guard:
    """Stands before an app. Without a token only names of this machine are answered, so that no
    page from elsewhere can ask, and in no case a page of another server."""

    def __init__(self, app: ASGIApp, limits: ServingLimits, token: str | None) -> None:
        self._app, self._limits, self._token = app, limits, token
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._stranger(scope["path"], headers)
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            await (refusal or self._app)(scope, receive, send)
            return
        if refusal := refusal or self._too_much(headers):
            await refusal(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, _limited(receive, self._limits), send)
        finally:
            self._running -= 1

    def _stranger(self, path: str, headers: Headers) -> JSONResponse | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return _refusal(403, f"a page of {origin} may not ask this server")
        if self._token is None:
            if not is_loopback(urlsplit(f"//{host}").hostname or ""):
                return _refusal(403, f"without a token, {host} is not answered; use 127.0.0.1")
        elif path not in OPEN and not self._knows(headers.get("authorization", "")):
            return _refusal(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
        return None

    def _knows(self, authorization: str) -> bool:
        said = authorization.partition("Bearer ")[2]
        return hmac.compare_digest(said.encode(), (self._token or "").encode())

    def _too_much(self, headers: Headers) -> JSONResponse | None:
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._limits.megabytes * 1e6:
            return _refusal(413, _too_large(self._limits))
        if self._running >= self._limits.requests:
            return _refusal(503, "busy; ask again in a second", {"Retry-After": "1"})
        return None


def is_loopback(host: str) -> bool:
    """Whether a name or an address is of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, headers)


def _too_large(limits: ServingLimits) -> str:
    return f"larger than {limits.megabytes:g} MB"


def _limited(receive: Receive, limits: ServingLimits) -> Receive:
    """`receive`, which raises HTTPException where a body is too large or comes too slowly."""
    deadline = asyncio.get_running_loop().time() + limits.seconds
    received, whole = 0, False

    async def limited() -> Message:
        nonlocal received, whole
        if whole:  # what comes now is that the client has gone
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            late = f"not sent within {limits.seconds:g} seconds"
            raise HTTPException(408, late, {"Connection": "close"}) from None
        received += len(message.get("body", b""))
        if received > limits.megabytes * 1e6:
            raise HTTPException(413, _too_large(limits), {"Connection": "close"})
        whole = not message.get("more_body", False)
        return message

    return limited
