"""The service as an ASGI application.

::

    PUT /v1/results/NAME    make a result: 201, or 412 where there is one of that name already
    GET /v1/results/NAME    its content, all of it or the range that is asked for: 200, 206, 404
    GET /v1/health          204

``NAME`` is 32 hexadecimal digits and ``.result``; the client makes it up, so that a request can be repeated. Every request
but the last names a tenant by ``Authorization: Bearer TOKEN``, or is answered by 401. A tenant sees its own results alone:
for any other it is 404. An answer that is no content is ``{"error": "a sentence"}``.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ._tenants import Tenants

_NAME = re.compile(r"[0-9a-f]{32}\.result")
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})?")

# As much is held in memory, and made by one request that makes no second object of its name.
_SMALL = 1 << 23
_PIECE = 1 << 20


class _TooLarge(Exception):
    """More was sent than a result may hold."""


class _Interrupted(Exception):
    """The client went away before all was sent, or sent less than it had said."""


def create_app(store: Any, tenants: Tenants, *, most: int = 5 << 30) -> Starlette:
    """Make the application.

    Args:
        store: The obstore store that keeps the results, each under its tenant's name.
        tenants: Who may keep results.
        most: How many bytes a result may have.
    """
    results = _Results(store, most)

    async def health(_: Request) -> Response:
        return Response(status_code=204)

    def for_tenant(work: Callable[[Request, str], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def authenticated(request: Request) -> Response:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            tenant = tenants.of(token.strip()) if scheme.lower() == "bearer" else None
            if tenant is None:
                return _error(401, "a token of a tenant is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
            name = request.path_params["name"]
            if not _NAME.fullmatch(name):
                return _error(404, "the name of a result is 32 hexadecimal digits and .result")
            return await work(request, f"{tenant}/{name}")

        return authenticated

    return Starlette(
        routes=[
            Route("/v1/health", health),
            Route("/v1/results/{name}", for_tenant(results.put), methods=["PUT"]),
            Route("/v1/results/{name}", for_tenant(results.get), methods=["GET"]),
        ]
    )


class _Results:
    """What is done with the results of a tenant that is known."""

    def __init__(self, store: Any, most: int) -> None:
        self._store = store
        self._most = most

    async def put(self, request: Request, path: str) -> Response:
        """Keep the body of a request; nothing of it is seen before all of it is there."""
        declared = request.headers.get("Content-Length", "")
        if not declared.isdecimal():
            return _error(411, "say how long the content is: Content-Length")
        length = int(declared)
        if length > self._most:
            return _error(413, f"a result has at most {self._most} bytes")
        try:
            if length <= _SMALL:
                content = b"".join([piece async for piece in self._pieces(request, length)])
                await obstore.put_async(self._store, path, content, mode="create")
            elif await self._exists(path):
                raise AlreadyExistsError
            else:
                # In parts, and made of them at once. Two who send the same name at the same time are the same tenant.
                await obstore.put_async(self._store, path, self._pieces(request, length), chunk_size=_SMALL)
        except AlreadyExistsError:
            return _error(412, "there is a result of that name already")
        except (_Interrupted, ClientDisconnect):
            return _error(400, "less came than was announced; nothing is kept")
        except _TooLarge:
            return _error(413, "more came than was announced; nothing is kept")
        return JSONResponse({"uri": str(request.url)}, 201)

    async def get(self, request: Request, path: str) -> Response:
        """Send a result, or a range of it."""
        wanted = _RANGE.fullmatch(request.headers.get("Range", ""))
        try:
            size: int = (await obstore.head_async(self._store, path))["size"]
            start, end = (int(wanted[1]), int(wanted[2] or size) + 1) if wanted else (0, size)
            end = min(end, size)
            if wanted and start >= end:
                return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
            headers = {"Content-Length": str(end - start), "Accept-Ranges": "bytes"}
            if wanted:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            if start == end:
                return Response(status_code=200, headers=headers)
            found = await obstore.get_async(self._store, path, options={"range": (start, end)})
        except FileNotFoundError:
            return _error(404, "there is no such result")
        content = found.stream(min_chunk_size=_PIECE)
        return StreamingResponse(
            _bytes_of(content), 206 if wanted else 200, headers=headers, media_type="application/octet-stream"
        )

    async def _exists(self, path: str) -> bool:
        try:
            await obstore.head_async(self._store, path)
        except FileNotFoundError:
            return False
        return True

    async def _pieces(self, request: Request, length: int) -> AsyncIterator[bytes]:
        came = 0
        async for piece in request.stream():
            came += len(piece)
            if came > length:
                raise _TooLarge
            if piece:
                yield piece
        if came < length:
            raise _Interrupted


async def _bytes_of(content: Any) -> AsyncIterator[bytes]:
    async for piece in content:
        yield bytes(piece)


def _error(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers)
