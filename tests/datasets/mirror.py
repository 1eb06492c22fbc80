"""A web server on this machine that stands in for the addresses that data sets are downloaded from."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves ``files`` by name, counts requests, and can drop the connection halfway."""

    def __init__(self):
        self.files = {}
        self.requests = []
        self.drop = False
        self.status = 200
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.removeprefix("/mirror/").partition("?")[0]
                owner.requests.append(name)
                content = owner.files.get(name)
                self.send_response(owner.status if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                if content is not None:
                    self.wfile.write(content[: len(content) // 2] if owner.drop else content)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/mirror"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
