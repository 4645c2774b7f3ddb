# SPDX-License-Identifier: Apache-2.0
"""Jobs for workers in processes of their own, by name: `python pipeline_example.py`."""

import multiprocessing

from shmcomm import Puller, Pusher


def worker() -> None:
    with Puller("example/numbers") as numbers, Pusher("example/squares") as squares:
        for number in numbers:  # the number before is done now; if this process died, another worker would get it
            if number is None:
                break
            squares.send(number * number)


def main() -> None:
    spawn = multiprocessing.get_context("spawn")
    with Pusher("example/numbers") as numbers, Puller("example/squares") as squares:
        workers = [spawn.Process(target=worker) for _ in range(2)]
        for process in workers:
            process.start()
        for number in range(10):
            numbers.send(number)
        print(sorted(squares.recv(timeout=60_000) for _ in range(10)))
        for _ in workers:
            numbers.send(None)
        for process in workers:
            process.join()


if __name__ == "__main__":
    main()
