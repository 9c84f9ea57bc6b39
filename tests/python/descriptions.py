"""What a node says of itself holds: its own description, and OFREP's, by schemathesis with a fixed seed."""

import json
import pathlib
import subprocess
import sys
import urllib.request

from providers import TOKEN, Node

HERE = pathlib.Path(__file__).parent
TOOL = pathlib.Path(sys.executable).parent / "schemathesis"
# of requests that are made at random; those that follow from the description take some seconds more
SECONDS = {"openapi": 30, "ofrep": 10}


def token(node):
    """Of an application, which names the environment."""
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    body = json.dumps({"name": "ofrep", "kind": "server", "environments": ["development"]}).encode()
    url = f"http://{node.http}/api/v1/tenants/demo/tokens"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return json.load(answer)["token"]


def holds(node, name, description, shown):
    options = ["--url", f"http://{node.http}", "--header", f"Authorization: Bearer {shown}"]
    options += ["--checks", "all", "--max-time", str(SECONDS[name]), "--max-failures", "50", "--no-color"]
    command = [TOOL, "--config-file", HERE / "schemathesis.toml", "run", description, *options]
    # it writes what it found where it runs
    return subprocess.run(command, cwd=node.data).returncode == 0


def main():
    node = Node()
    try:
        # the first run may delete what the second one needs
        ofrep = holds(node, "ofrep", HERE / "ofrep.yaml", token(node))
        openapi = holds(node, "openapi", f"http://{node.http}/openapi.json", TOKEN)
        return 0 if ofrep and openapi else 1
    finally:
        node.end()


if __name__ == "__main__":
    sys.exit(main())
