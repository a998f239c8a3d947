# SPDX-License-Identifier: Apache-2.0
"""A schema registry that can be slow, or forget what it said."""
import http.server
import json
import threading
import time

from lib.process import free_port


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that doesn't wait for a slow answer."""


class Registry:
    """Confluent's two calls: an id for a schema, and the schema of an id."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.schemas = []  # the id is the index + 1
        self.delay_seconds = 0
        self.requests = 0
        self.server = None

    def start(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                schema = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["schema"]
                if schema not in registry.schemas:
                    registry.schemas.append(schema)
                self.answer(200, {"id": registry.schemas.index(schema) + 1})

            def do_GET(self):  # pylint: disable=invalid-name
                number = int(self.path.split("?")[0].rpartition("/")[2])
                if number > len(registry.schemas):
                    self.answer(404, {"error_code": 40403, "message": "Schema not found"})
                else:
                    self.answer(200, {"schema": registry.schemas[number - 1]})

            def answer(self, status, content):
                registry.requests += 1
                time.sleep(registry.delay_seconds)
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):  # pylint: disable=arguments-differ
                """Not on the tests' standard error."""

        self.server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
