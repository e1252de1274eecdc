"""A TCP proxy that does to connections what bad networks do."""

import selectors
import socket
import struct
import threading
from contextlib import suppress
from typing import Literal

import attrs

Harm = Literal["cut", "reset", "stall"]
Side = Literal["request", "answer"]


@attrs.frozen
class Fault:
    """What happens to a connection.

    Attributes:
        harm: ``cut`` ends the connection in order, ``reset`` does not, ``stall`` lets nothing more through.
        side: In which direction bytes are counted.
        after: After how many bytes it happens; these come through.
        once: Whether it happens to one connection, and the next ones are well; otherwise each one suffers, from then
            on at its first byte.
    """

    harm: Harm
    side: Side
    after: int
    once: bool = True


class Proxy:
    """Stands between clients and a server, and harms their connections as it is told.

    Args:
        server: The server's URL, such as ``http://127.0.0.1:8000``.
    """

    def __init__(self, server: str) -> None:
        host, _, port = server.removeprefix("http://").partition(":")
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.passed: dict[Side, int] = {"request": 0, "answer": 0}
        self.happened = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def arm(self, fault: Fault | None) -> None:
        """Begin to count bytes anew, and have a fault happen."""
        with self._lock:
            self.passed = {"request": 0, "answer": 0}
            self._fault = fault
            self.happened = 0

    def close(self) -> None:
        """End all connections, and take no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:  # before the sockets are closed: nobody is woken for a socket that is no more
            thread.join()
        for each in (self._listener, *self._open):
            each.close()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._open += client, server
                self._threads.append(threading.Thread(target=self._serve, args=(client, server), daemon=True))
                self._threads[-1].start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        harm = None
        # A socket may be closed meanwhile: the test has ended.
        with suppress(OSError), selectors.DefaultSelector() as both:
            both.register(client, selectors.EVENT_READ)
            both.register(server, selectors.EVENT_READ)
            while harm is None:
                # One thread for both directions: a socket that another one waits on could not be reset.
                for source in [client if key.fileobj is client else server for key, _ in both.select()]:
                    data = source.recv(1 << 16)
                    side: Side = "request" if source is client else "answer"
                    passing, harm = self._judge(side, len(data))
                    (server if source is client else client).sendall(data[:passing])
                    if harm is not None:
                        break
                    if not data:
                        harm = "cut"
        if harm == "stall":
            # The connections stay open, until the client or the test has enough of them.
            return
        for each in (client, server):
            _end(each, reset=harm == "reset")

    def _judge(self, side: Side, length: int) -> tuple[int, Harm | None]:
        """Say how much of what arrived comes through, and what happens then."""
        with self._lock:
            before = self.passed[side]
            fault = self._fault
            if fault is None or fault.side != side or before + length <= fault.after:
                self.passed[side] = before + length
                return length, None
            self.happened += 1
            if fault.once:
                self._fault = None
            passing = max(fault.after - before, 0)
            self.passed[side] = before + passing
            return passing, fault.harm


def _end(connection: socket.socket, *, reset: bool = False) -> None:
    with suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.shutdown(socket.SHUT_RDWR)
    connection.close()
