"""A server that answers with bytes, one by one if it likes: for tests of what a client may be sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Behaviour = Callable[[socket.socket, bytes, threading.Event], None]
"""What is done with a connection: given its socket, its request as far as it came at once, and when all is over."""


@contextlib.contextmanager
def serving(answer: Behaviour) -> Iterator[str]:
    """A server that reads the head of one request of each connection and then does with it what it likes."""
    over = threading.Event()

    def one(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            answer(peer, peer.recv(65536), over)

    def serve(listener: socket.socket) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                threading.Thread(target=one, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()


def dripping(first: bytes) -> Behaviour:
    def answer(peer: socket.socket, _request: bytes, over: threading.Event) -> None:
        peer.sendall(first)
        while not over.wait(0.05):
            peer.sendall(b" ")

    return answer
