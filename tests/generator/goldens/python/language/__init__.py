"""Generated from language.channel by shmcommc; do not edit."""

from shmcomm.typed import Schema as _Schema

_schema = _Schema.beside(__file__, "language.bfbs", module=__name__)

Mode = _schema.enum("robot.language.Mode")
Task = _schema.enum("robot.language.Task")
Point = _schema.struct("robot.language.Point")
Walk = _schema.table("robot.language.Walk")
Say = _schema.table("robot.language.Say")
Order = _schema.table("robot.language.Order")

_channel_order = _schema.channel(
    name="robot/language/order", pattern="pubsub", message="robot.language.Order",
    fingerprint=0xb9d671b6c86ba868, declared_at="language.channel:37",
    history=0, capacity=16, max_size=16777216, reliability="best_effort", on_full="block", deadline_ns=0,
    lifespan_ns=0, max_publishers=8, max_subscribers=16, max_borrowed=4, max_loans=2, verify="trusted",
    prefault=False,
)
OrderPublisher = _schema.publisher("OrderPublisher", _channel_order)
OrderSubscriber = _schema.subscriber("OrderSubscriber", _channel_order)

__all__ = [
    "Mode",
    "Task",
    "Point",
    "Walk",
    "Say",
    "Order",
    "OrderPublisher",
    "OrderSubscriber",
]
