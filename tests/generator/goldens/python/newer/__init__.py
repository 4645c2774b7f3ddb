"""Generated from newer.channel by shmcommc; do not edit."""

from shmcomm.typed import Schema as _Schema

_schema = _Schema.beside(__file__, "newer.bfbs", module=__name__)

Mode = _schema.enum("robot.newer.Mode")
Task = _schema.enum("robot.newer.Task")
Walk = _schema.table("robot.newer.Walk")
Cell = _schema.struct("robot.newer.Cell")
Grid = _schema.struct("robot.newer.Grid")
Place = _schema.struct("robot.newer.Place")
Order = _schema.table("robot.newer.Order", **{"name": "no name é", "none": "", "list": (), "names": ()})

_channel_order = _schema.channel(
    name="robot/newer/order", pattern="pubsub", message="robot.newer.Order",
    fingerprint=0x6ff8fdcc82e45551, declared_at="newer.channel:21",
    history=0, capacity=16, max_size=16777216, reliability="best_effort", on_full="block", deadline_ns=0,
    lifespan_ns=0, max_publishers=8, max_subscribers=16, max_borrowed=4, max_loans=2, verify="trusted",
    prefault=False,
)
OrderPublisher = _schema.publisher("OrderPublisher", _channel_order)
OrderSubscriber = _schema.subscriber("OrderSubscriber", _channel_order)

__all__ = [
    "Mode",
    "Task",
    "Walk",
    "Cell",
    "Grid",
    "Place",
    "Order",
    "OrderPublisher",
    "OrderSubscriber",
]
