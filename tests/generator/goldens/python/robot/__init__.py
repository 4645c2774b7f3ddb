"""Generated from robot.channel by shmcommc; do not edit."""

from shmcomm.typed import Schema as _Schema

_schema = _Schema.beside(__file__, "robot.bfbs", module=__name__)

Encoding = _schema.enum("robot.Encoding")
Vec3 = _schema.struct("robot.Vec3")
Imu = _schema.struct("robot.Imu")
Image = _schema.table("robot.Image")
Twist = _schema.table("robot.Twist")
Ack = _schema.table("robot.Ack")
Job = _schema.table("robot.Job")
Point = _schema.struct("geometry.Point")
Path = _schema.table("geometry.Path")

_channel_imu = _schema.channel(
    name="robot/imu", pattern="pubsub", message="robot.Imu",
    fingerprint=0x42fd9fb28ba2c831, declared_at="robot.channel:15",
    history=0, capacity=8, max_size=72, reliability="best_effort", on_full="block", deadline_ns=0,
    lifespan_ns=0, max_publishers=1, max_subscribers=16, max_borrowed=4, max_loans=2, verify="trusted",
    prefault=False,
)
ImuPublisher = _schema.publisher("ImuPublisher", _channel_imu)
ImuSubscriber = _schema.subscriber("ImuSubscriber", _channel_imu)

_channel_camera = _schema.channel(
    name="front/camera", pattern="pubsub", message="robot.Image",
    fingerprint=0xb4320c9607e2b396, declared_at="robot.channel:17",
    history=1, capacity=8, max_size=8388608, reliability="best_effort", on_full="block",
    deadline_ns=50000000, lifespan_ns=200000000, max_publishers=1, max_subscribers=16, max_borrowed=4,
    max_loans=2, verify="trusted", prefault=False,
)
CameraPublisher = _schema.publisher("CameraPublisher", _channel_camera)
CameraSubscriber = _schema.subscriber("CameraSubscriber", _channel_camera)

_channel_drive = _schema.channel(
    name="robot/drive", pattern="reqrep", message="robot.Twist",
    fingerprint=0x9ecc013d645ce8b8, declared_at="robot.channel:26",
    reply="robot.Ack", reply_fingerprint=0x3433f6b407b5d802,
    capacity=16, max_size=64, max_reply_size=16777216, on_full="block", timeout_ns=100000000,
    max_in_flight=4, max_publishers=8, max_subscribers=8, max_borrowed=4, max_loans=2, verify="trusted",
    prefault=False, idempotent=False,
)
DriveRequester = _schema.requester("DriveRequester", _channel_drive)
DriveReplier = _schema.replier("DriveReplier", _channel_drive)

_channel_tiles = _schema.channel(
    name="robot/tiles", pattern="pushpull", message="robot.Job",
    fingerprint=0x592491566257e65d, declared_at="robot.channel:27",
    capacity=64, max_size=1048576, on_full="block", lifespan_ns=0, max_publishers=8, max_subscribers=8,
    max_borrowed=4, max_loans=2, verify="trusted", prefault=False, max_attempts=15,
)
TilesPusher = _schema.pusher("TilesPusher", _channel_tiles)
TilesPuller = _schema.puller("TilesPuller", _channel_tiles)

__all__ = [
    "Encoding",
    "Vec3",
    "Imu",
    "Image",
    "Twist",
    "Ack",
    "Job",
    "Point",
    "Path",
    "ImuPublisher",
    "ImuSubscriber",
    "CameraPublisher",
    "CameraSubscriber",
    "DriveRequester",
    "DriveReplier",
    "TilesPusher",
    "TilesPuller",
]
