# SPDX-License-Identifier: Apache-2.0
"""Many channels in one event loop, without a thread: `python asyncio_example.py`."""

import asyncio

from shmcomm import Publisher, SHMTimeoutError, Subscriber

ROOMS = ["kitchen", "hall", "cellar"]


async def measure(room: str) -> None:
    with Publisher(f"example/temperature/{room}") as temperature:
        for degrees in (19, 20, 21):
            temperature.send(degrees)
            await asyncio.sleep(0.01)


async def average(room: str, temperature: Subscriber) -> None:
    received = []
    async for degrees in temperature:
        received.append(degrees)
        if len(received) == 3:
            print(f"{room}: {sum(received) / len(received):.1f} degrees")
            return


async def main() -> None:
    subscribers = {room: Subscriber(f"example/temperature/{room}") for room in ROOMS}
    averages = [average(room, subscriber) for room, subscriber in subscribers.items()]
    await asyncio.gather(*averages, *(measure(room) for room in ROOMS))
    try:
        await subscribers["hall"].arecv(timeout=20)
    except SHMTimeoutError as error:
        print(error)
    for subscriber in subscribers.values():
        subscriber.close()


if __name__ == "__main__":
    asyncio.run(main())
