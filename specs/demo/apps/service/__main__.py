"""Starts the service on the loopback interface, asks it something, and stops it."""

import json
import sys
import threading
import time

import fastapi
import httpx
import numpy
import uvicorn

from service.api import make_app

START_SECONDS = 30.0


def main() -> int:
    config = uvicorn.Config(make_app(), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            print("the service did not start", file=sys.stderr)
            return 1
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    # The client must not be sent through a proxy that is meant for the world outside.
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        health = client.get("/health").raise_for_status().json()
        answer = client.post("/statistics", json={"values": [1, 2, 3, 4]}).raise_for_status().json()
        refused = client.post("/statistics", json={"values": []}).status_code
    server.should_exit = True
    thread.join(START_SECONDS)
    report = {
        "app": "service",
        "health": health,
        "answer": answer,
        "refused": refused,
        "fastapi": {"version": fastapi.__version__, "file": fastapi.__file__},
        "httpx": {"version": httpx.__version__, "file": httpx.__file__},
        "numpy": {"version": numpy.__version__, "file": numpy.__file__},
        "python": sys.version.split()[0],
        "prefix": sys.prefix,
    }
    print(json.dumps(report, indent=2))
    good = answer["mean"] == 2.5 and answer["count"] == 4 and refused == 422
    return 0 if good and not thread.is_alive() else 1


if __name__ == "__main__":
    sys.exit(main())
