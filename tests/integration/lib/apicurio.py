# SPDX-License-Identifier: Apache-2.0
"""A throw-away schema registry that is not ours: Apicurio, by its Confluent-compatible interface."""
import glob
import os
import urllib.error
import urllib.request

from lib.java import JavaServer, fetched
from lib.process import free_port


class Apicurio(JavaServer):
    """Keeps its schemas in memory: a restart loses them."""

    def __init__(self, name="apicurio"):
        super().__init__(name)
        self.folder = fetched("apicurio")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"

    def command(self):
        runner, = glob.glob(os.path.join(self.folder, "apicurio-registry-app-*-runner.jar"))
        return ["java", *self.JVM, "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}", "-jar", runner]

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
