# SPDX-License-Identifier: Apache-2.0
"""Arrays through shared memory: one process writes images there, another looks at them there, nobody copies."""

import multiprocessing
from datetime import timedelta

import numpy as np

from shmcomm import Publisher, Subscriber

SHAPE = (480, 640, 3)


def camera() -> None:
    with Publisher("example/images", reliable=True, timeout=timedelta(minutes=1)) as images:
        for number in range(5):
            with images.loan(SHAPE, np.uint8) as image:  # a writable array in shared memory
                image[:] = number
        pose = np.zeros(1, dtype=[("position", "f8", 3), ("is_valid", "?")])
        images.send({"pose": pose, "path": np.arange(30.0).reshape(10, 3)})  # arrays inside objects, too


def main() -> None:
    with Subscriber("example/images", reliable=True) as images:
        process = multiprocessing.get_context("spawn").Process(target=camera)
        process.start()
        for _ in range(5):
            image = images.recv(timeout=60_000)  # a read-only view
            print("image", images.metadata.sequence, image.shape, image.dtype, "mean", image.mean())
        message = images.recv(timeout=60_000)
        print("path of", len(message["path"]), "points; pose", message["pose"]["position"][0])
        process.join()


if __name__ == "__main__":
    main()
