# SPDX-License-Identifier: Apache-2.0
"""A service in a process of its own, by name: `python reqrep_example.py`."""

import multiprocessing
from typing import Any

from shmcomm import Replier, Requester, SHMReplyError


def control_service() -> None:
    speed = 0.0
    with Replier("example/control") as server:

        @server.serve
        def handle(request: dict[str, Any]) -> dict[str, Any]:
            nonlocal speed
            if request["query"] == "stop":
                server.stop()  # after this answer
            elif request["query"] == "set speed":
                if request["speed"] > 1.0:
                    raise ValueError("too fast")
                speed = request["speed"]
            return {"status": "ok", "speed": speed}


def main() -> None:
    service = multiprocessing.get_context("spawn").Process(target=control_service)
    service.start()
    with Requester("example/control", timeout=60_000) as client:  # the service may come later
        client.send({"query": "status"})
        print(client.recv())
        print(client.call({"query": "set speed", "speed": 0.5}))
        try:
            client.call({"query": "set speed", "speed": 7.0})
        except SHMReplyError as error:
            print("refused:", error.message)
        calls = [client.start({"query": "status"}) for _ in range(3)]  # several at once
        print(sum(call.result()["status"] == "ok" for call in calls), "answers")
        client.call({"query": "stop"})
    service.join()


if __name__ == "__main__":
    main()
