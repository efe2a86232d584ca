"""IMDSv2, and nothing else, on a loopback port of its own. What it says comes from a function: path below /latest/ -> text, bytes or None.

Rules from the EC2 user guide ("Use IMDSv2"): 401 without a good token, 400 for a bad TTL, 403 for a token asked for through a proxy.
"""

import http.server
import secrets
import threading
import time

TOKEN_HEADER = "X-aws-ec2-metadata-token"
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"


def serve(values):
    """Starts a server in a thread that ends with the process; returns its address."""
    tokens = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, body=b"", headers=()):
            body = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self):
            ttl = self.headers.get(TTL_HEADER, "")
            if self.path != "/latest/api/token" or self.headers.get("X-Forwarded-For"):
                return self.answer(403)
            if not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
                return self.answer(400)
            token = secrets.token_urlsafe(40)
            tokens[token] = time.monotonic() + int(ttl)
            return self.answer(200, token, [(TTL_HEADER, ttl)])

        def do_GET(self):
            if tokens.get(self.headers.get(TOKEN_HEADER), 0) <= time.monotonic():
                return self.answer(401)
            version, _, path = self.path.lstrip("/").partition("/")
            value = values(path) if version == "latest" else None
            return self.answer(404) if value is None else self.answer(200, value)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
