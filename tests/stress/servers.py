"""A web server on this machine that sends files, and fails as it is told."""

import contextlib
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

# Of one server; what asks for more goes in a circle.
_MOST_REQUESTS = 100


class Server(http.server.ThreadingHTTPServer):
    """Sends the files of a folder, with or without parts of them.

    Attributes:
      folder: What it sends.
      url: Its address.
      most: How many bytes it sends before the connection ends, or None.
      has_parts: Whether it sends what is asked for by `Range`.
      is_held: Whether it keeps the connection when it has sent `most`, and waits.
      requests: The path of each request, and its `Range`, or None.
    """

    daemon_threads = True

    def __init__(self, folder: Path):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.most: int | None = None
        self.has_parts = True
        self.is_held = False
        self.released = threading.Event()
        self.requests: list[tuple[str, str | None]] = []

    def encrypt(self, certificate: Path) -> None:
        """Speaks TLS, by a file that holds a certificate and its key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of connections that end."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    timeout = 30

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        path = self.server.folder / self.path.lstrip("/")
        if len(self.server.requests) > _MOST_REQUESTS or not path.is_file():
            return self.send_error(404)
        data, begin = path.read_bytes(), 0
        if asked and self.server.has_parts:
            begin = int(asked.removeprefix("bytes=").removesuffix("-"))
        if begin and begin >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            return self.end_headers()
        self.send_response(206 if begin else 200)
        if begin:
            last = len(data) - 1
            self.send_header("Content-Range", f"bytes {begin}-{last}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        most = self.server.most
        self.wfile.write(data[begin : None if most is None else begin + most])
        if self.server.is_held and begin + most < len(data):
            self.wfile.flush()
            self.server.released.wait(60)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def serving(folder: Path, certificate: Path | None = None) -> Iterator[Server]:
    """Yields a server of a folder, which ends with the context."""
    server = Server(folder)
    if certificate:
        server.encrypt(certificate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()


def make_certificate(path: Path) -> Path:
    """Makes a certificate for 127.0.0.1, with its key; returns the file of both.

    Raises:
      OSError: If there is no `openssl`.
    """
    key = path.with_suffix(".key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", path),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path
