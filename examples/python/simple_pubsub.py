# SPDX-License-Identifier: Apache-2.0
"""Publish and subscribe by name, in two processes: `python simple_pubsub.py`."""

import multiprocessing
from multiprocessing.synchronize import Event

from shmcomm import Publisher, Subscriber


def robot(is_ready: Event) -> None:
    with Subscriber("example/commands") as commands:
        is_ready.set()
        for command in commands:
            print("robot got", command)
            if command["cmd"] == "stop":
                break


def main() -> None:
    spawn = multiprocessing.get_context("spawn")
    is_ready = spawn.Event()
    process = spawn.Process(target=robot, args=(is_ready,))
    process.start()
    is_ready.wait()  # a subscriber gets what is sent after it was opened
    with Publisher("example/commands") as commands:
        commands.send({"cmd": "move", "pos": [1.0, 2.0, 3.0]})
        commands.send({"cmd": "stop"})
    process.join()


if __name__ == "__main__":
    main()
