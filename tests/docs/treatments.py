# SPDX-License-Identifier: Apache-2.0
"""What is done with each block of each page, in their order: a block that nobody decided about fails the tests."""

from __future__ import annotations

from pages import Left, Program, Treatment

CONSOLE = Left("what a person types; run.sh, the wheel's tests and tests/cmake do the same")
PRINTED = Left("what programs print; the texts have tests where they are made")

ENOUGH = "class Enough(Exception): pass\n"

# Ends what waits for ever: a few messages, then the loop is over.
FEW_IMAGES = """
import itertools, threading, robot
class Few(robot.CameraSubscriber):
    def __iter__(self):
        return itertools.islice(iter(lambda: self.recv(60_000), None), 3)
robot.CameraSubscriber = CameraSubscriber = Few
is_over = threading.Event()
def feed():
    with robot.CameraPublisher() as images:
        while not is_over.wait(0.005):
            images.send(width=640, height=480, data=bytes(640 * 480))
threading.Thread(target=feed).start()
try:
    <block>
finally:
    is_over.set()
"""

# Asks what is served, then presses Ctrl-C.
INTERRUPTED = """
import os, signal, threading
{setup}
signal.signal(signal.SIGINT, signal.default_int_handler)
def ask():
    try:
        {questions}
    finally:
        os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=ask).start()
try:
    <block>
except KeyboardInterrupt:
    print("interrupted")
"""

SERVE_DRIVE = INTERRUPTED.format(
    setup="import shmcomm\nfrom robot import Ack, DriveReplier, DriveRequester",
    questions="""with DriveRequester(wait_for_replier=True) as drive:
            print(drive.call(linear=0.5).message)
            try:
                drive.call(linear=2.0)
            except shmcomm.SHMReplyError as error:
                print(error.message)""",
)

SERVE_WHEELS = INTERRUPTED.format(
    setup="import shmcomm\nspeeds = {'left': 0.5}",
    questions="""with shmcomm.Requester("control_service", timeout=60_000) as client:
            print(client.call({"wheel": "left"}))""",
)

CALL_DRIVE = """
import asyncio, threading
from robot import Ack, DriveReplier, DriveRequester
speeds = [0.1, 0.2]
async def main():
    <block>
    print(len(replies), reply.message)
with DriveReplier() as server:
    serving = threading.Thread(target=server.serve, args=[lambda request: Ack(ok=True, message="moving")])
    serving.start()
    try:
        asyncio.run(main())
    finally:
        server.stop()
        serving.join()
"""

CALL_WHEELS = """
import threading
from shmcomm import Replier, Requester
with Replier("control_service") as server:
    serving = threading.Thread(target=server.serve, args=[lambda request: request["wheel"]])
    serving.start()
    try:
        <block>
    finally:
        server.stop()
        serving.join()
print(reply)
"""

TAKE_TILES = f"""
from robot import TilesPuller, TilesPusher
{ENOUGH}
def work(number, tile, attempt):
    print(number, tile.tolist(), attempt)
    if number == 2:
        raise Enough
pusher = TilesPusher()
for number in 1, 2:
    pusher.push(id=number, tile=[number])
try:
    <block>
except Enough:
    pass
"""

FOLLOW = f"""
import threading
from shmcomm import Publisher
{ENOUGH}
is_over = threading.Event()
def feed():
    with Publisher("imu") as imu, Publisher("sensor/7") as sensor:
        while not is_over.wait(0.005):
            imu.send(1)
            sensor.send(2)
def print(*what):
    raise Enough
threading.Thread(target=feed).start()
try:
    <block>
    asyncio.run(main())
except Enough:
    import builtins
    builtins.print("followed")
finally:
    is_over.set()
"""

SELECT = f"""
from shmcomm import Publisher, Subscriber
{ENOUGH}
seen = []
def print(message):
    seen.append(message)
    if len(seen) == 2:
        raise Enough
with Subscriber("x") as sub, Publisher("x") as pub:
    pub.send(1), pub.send(2)
    try:
        <block>
    except Enough:
        pass
"""

UNTYPED_JOBS = f"""
{ENOUGH}
def work(job):
    print(job)
    raise Enough
try:
    <block>
except Enough:
    pass
"""

LOAN = """
import numpy
from {module} import {publisher} as Publisher, {subscriber} as Subscriber
class Camera:
    def read_into(self, image):
        image[:] = 7
driver = camera = Camera()
with Subscriber({name}) as sub, Publisher({name}) as {variable}:
    <block>
    print({what})
"""

TYPED_LOAN = LOAN.format(
    module="robot", publisher="CameraPublisher", subscriber="CameraSubscriber", name="", variable="camera",
    what="(lambda image: (image.width, image.frame_id, int(image.data.sum())))(sub.recv(timeout=60_000))",
)  # fmt: skip
UNTYPED_LOAN = LOAN.format(
    module="shmcomm", publisher="Publisher", subscriber="Subscriber", name='"x"', variable="pub",
    what="int(sub.recv(timeout=60_000).sum())",
)  # fmt: skip

STATUS = "absl::Status Block({parameters}) {{\n<block>\nreturn absl::OkStatus();\n}}\n"


def in_cpp(parameters: str = "", before: str = "") -> Program:
    """In the body of a function."""
    return Program(before + STATUS.format(parameters=parameters))


DRIVE = "absl::StatusOr<robot::DriveReplier>& server"
ENDS = "robot::CameraSubscriber* camera, robot::ImuSubscriber* imu"

TREATMENTS: dict[str, list[Treatment]] = {
    "README.md": [
        CONSOLE,
        Program(),
        Program(),
        Program(FEW_IMAGES, "0 640 480 0.0 0\n"),
        Program("<block>\nprint(msg)", "{'cmd': 'move', 'pos': [1.0, 2.0, 3.0]}\n"),
        CONSOLE,
        Left("tests/cmake builds projects that say the same"),
        CONSOLE,
        CONSOLE,
    ],
    "calls.md": [
        Program("namespace robot;\ntable Twist { linear:double; }\ntable Ack { ok:bool; }\n<block>\n"),
        in_cpp(),
        PRINTED,
        in_cpp(DRIVE),
        in_cpp("shmcomm::WaitSet& set, robot::DriveRequester* drive"),
        Program(CALL_DRIVE, "2 moving\n"),
        Program(SERVE_DRIVE, "moving\nValueError: too fast\ninterrupted\n"),
    ],
    "errors.md": [PRINTED, CONSOLE],
    "large_messages.md": [
        in_cpp("robot::CameraPublisher* camera, Driver& driver, std::uint32_t width, std::uint32_t height",
               "struct Driver { void ReadInto(std::uint8_t*); };\n"),
    ],
    "pushpull.md": [
        Program("namespace robot;\ntable Job { id:uint64; }\n<block>\n"),
        in_cpp("std::uint64_t id, const std::vector<std::uint8_t>& tile"),
        in_cpp(),
        PRINTED,
        Program("from robot import TilesPusher\npixels = bytes(12)\n<block>\n"),
        Program(TAKE_TILES, "1 [1] 0\n2 [2] 0\n"),
    ],
    "python.md": [
        Program("frame = bytes(640 * 480)\n<block>\n"),
        Program(FEW_IMAGES),
        Program(TYPED_LOAN, "(640, 'front', 6451200)\n"),
    ],
    "python_asyncio.md": [Program(FOLLOW, "followed\n"), Program(SELECT)],
    "python_without_schema.md": [
        Program("<block>\nprint(msg)", "{'cmd': 'move', 'pos': [1.0, 2.0, 3.0]}\n"),
        Program(UNTYPED_LOAN, "6451200\n"),
        Program(UNTYPED_JOBS, "{'tile': 7}\n"),
        Program(SERVE_WHEELS, "{'status': 'ok', 'speed': 0.5}\ninterrupted\n"),
        Program(CALL_WHEELS, "left\n"),
    ],
    "quality_of_service.md": [
        Program("namespace robot;\ntable Image { width:uint32; }\ntable Event { text:string; }\n<block>\n"),
        in_cpp(),
        in_cpp(),
        in_cpp(),
    ],
    "troubleshooting.md": [CONSOLE, CONSOLE],
    "waiting.md": [in_cpp(ENDS), in_cpp(f"pollfd watched, {ENDS}"), in_cpp()],
}  # fmt: skip
