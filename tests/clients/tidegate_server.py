"""Starts the real server and speaks to its Management API, with nothing but the standard library and a TOML parser."""

import json
import queue
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import tomli

START_SECONDS = 60


class Server:
    """A server with a data directory of its own on a free port of the loopback address."""

    def __init__(self, binary: str, data_dir: Path):
        self._process = subprocess.Popen(
            [binary, "serve", "--data-dir", str(data_dir), "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        addresses: "queue.Queue[str | None]" = queue.Queue()
        threading.Thread(target=self._read_output, args=(addresses,), daemon=True).start()
        try:
            address = addresses.get(timeout=START_SECONDS)
        except queue.Empty:
            self.stop()
            raise
        if address is None:
            raise RuntimeError(f"the server stopped at start with status {self._process.wait()}")
        self.url = address
        profile = tomli.loads((data_dir / "credentials.toml").read_text())["profile"][0]
        self.management_token = profile["mgmt_token"]
        self.account_id = profile["account_id"]
        self.cluster_id = profile["cluster_id"]
        self._prefix = f"/api/v0/accounts/{self.account_id}/clusters/{self.cluster_id}"

    def _read_output(self, addresses: "queue.Queue[str | None]") -> None:
        found = False
        for line in self._process.stdout:
            match = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", line)
            if match and not found:
                found = True
                addresses.put(match.group())
        addresses.put(None)

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(timeout=START_SECONDS)

    def _call(self, method: str, path: str, body=None, token=None) -> bytes:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token or self.management_token}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            return response.read()

    def create_database(self, name: str) -> None:
        self._call("POST", f"{self._prefix}/databases", {"name": name})

    def database_id(self, name: str) -> int:
        listed = json.loads(self._call("GET", f"{self._prefix}/databases"))
        return next(database["id"] for database in listed if database["name"] == name)

    def create_token(self, *permissions: "tuple[str, str]", **members) -> "tuple[str, str]":
        """Makes a database token of pairs (action, database); gives its id and its text."""
        wanted = [{"action": action, "resource": resource} for action, resource in permissions]
        request = {"description": "client test", "permissions": wanted} | members
        answer = self._call("POST", f"{self._prefix}/tokens", request)
        token = json.loads(answer)
        return token["id"], token["accessToken"]

    def management_token_id(self) -> str:
        """The id of the first management token, the one that this class calls with."""
        tokens = json.loads(self._call("GET", f"/api/v0/accounts/{self.account_id}/management-tokens"))
        return next(token["id"] for token in tokens if "createdBy" not in token)

    def revoke_token(self, token_id: str) -> None:
        self._call("DELETE", f"{self._prefix}/tokens/{token_id}")

    def rows(self, database: str, query: str, token: str) -> "list[dict]":
        """Runs one SQL query."""
        return json.loads(self.query(database, query, token, "json"))

    def query(self, database: str, query: str, token: str, result_format: str) -> bytes:
        """Runs one SQL query; gives the answer as it is."""
        parameters = urllib.parse.urlencode({"db": database, "q": query, "format": result_format})
        return self._call("GET", f"/api/v3/query_sql?{parameters}", token=token)

    def write(self, database: str, lines: str, token: str) -> None:
        """Writes line protocol."""
        target = f"{self.url}/api/v3/write_lp?{urllib.parse.urlencode({'db': database})}"
        request = urllib.request.Request(target, data=lines.encode(), headers={"Authorization": f"Bearer {token}"})
        urllib.request.urlopen(request, timeout=START_SECONDS).close()
