"""A web server on this machine that gives the faults that a test has queued."""

import gzip
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web:
    """Serves `files`; the faults queued for a path spoil its next answers, a fault an answer.

    Faults: a status code; "cut" (closes the connection halfway), "short" (half a body that
    claims to be whole), "wrong" (other bytes), "no range" (ignores a Range header),
    "slow" (a byte every hundredth of a second), "stall" (half a body, and then nothing), "bomb" (a
    compressed body of 20 MB that nobody asked to be compressed).
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.closing = threading.Event()
        self.faults: dict[str, list[int | str]] = {}
        self.headers: dict[str, str] = {}  # sent along with a status code
        self.log: list[tuple[str, str | None]] = []  # path and Range header of each request
        self.users: dict[
            str, str | None
        ] = {}  # path → the Authorization header of its last request
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64  # with the usual 5, one of eight connections waits a second

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def requests(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(path for path, _ in self.log)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.lstrip("/")
        byte_range = handler.headers.get("Range")
        self.log.append((path, byte_range))
        self.users[path] = handler.headers.get("Authorization")
        fault = self.faults[path].pop(0) if self.faults.get(path) else None
        if path not in self.files:
            fault = 404
        if fault == "bomb":
            body = gzip.compress(bytes(20_000_000))
            handler.send_response(200)
            handler.send_header("Content-Encoding", "gzip")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            return
        if isinstance(fault, int):
            handler.send_response(fault)
            for header in {"Content-Length": "0", **self.headers}.items():
                handler.send_header(*header)
            handler.end_headers()
            return
        body = self.files[path]
        if fault == "wrong":
            body = bytes(255 - byte for byte in body)
        if fault == "short":
            body = body[: len(body) // 2]
        start = int(byte_range.removeprefix("bytes=").rstrip("-")) if byte_range else 0
        if start >= len(body) > 0:
            handler.send_response(416)
            handler.end_headers()
            return
        if start and fault != "no range":
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            body = body[start:]
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault == "cut":
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
        elif fault == "stall":
            handler.wfile.write(body[: len(body) // 2])
            self.closing.wait()
        elif fault == "slow":
            for byte in body:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.01)
        else:
            handler.wfile.write(body)
