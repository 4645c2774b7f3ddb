"""Generated from everything.channel by shmcommc; do not edit."""

from shmcomm.typed import Schema as _Schema

_schema = _Schema.beside(__file__, "everything.bfbs", module=__name__)

Mode = _schema.enum("robot.deep.Mode")
Bits = _schema.enum("robot.deep.Bits")
P = _schema.struct("robot.deep.P")
S = _schema.struct("robot.deep.S")
Leaf = _schema.table("robot.deep.Leaf")
All = _schema.table("robot.deep.All")

_channel_all = _schema.channel(
    name="robot/deep/all", pattern="pubsub", message="robot.deep.All",
    fingerprint=0x172ddb02d0a70537, declared_at="everything.channel:21",
    history=1, capacity=16, max_size=16777216, reliability="reliable", on_full="block", deadline_ns=0,
    lifespan_ns=0, max_publishers=8, max_subscribers=16, max_borrowed=4, max_loans=2, verify="trusted",
    prefault=False,
)
AllPublisher = _schema.publisher("AllPublisher", _channel_all)
AllSubscriber = _schema.subscriber("AllSubscriber", _channel_all)

_channel_p = _schema.channel(
    name="robot/deep/p", pattern="pubsub", message="robot.deep.P",
    fingerprint=0x68757892bd8b8a0c, declared_at="everything.channel:22",
    history=0, capacity=16, max_size=8, reliability="best_effort", on_full="block", deadline_ns=0,
    lifespan_ns=0, max_publishers=8, max_subscribers=16, max_borrowed=4, max_loans=2, verify="trusted",
    prefault=False,
)
PPublisher = _schema.publisher("PPublisher", _channel_p)
PSubscriber = _schema.subscriber("PSubscriber", _channel_p)

__all__ = [
    "Mode",
    "Bits",
    "P",
    "S",
    "Leaf",
    "All",
    "AllPublisher",
    "AllSubscriber",
    "PPublisher",
    "PSubscriber",
]
