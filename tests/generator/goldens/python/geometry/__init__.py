"""Generated from geometry.fbs by shmcommc; do not edit."""

from shmcomm.typed import Schema as _Schema

_schema = _Schema.beside(__file__, "geometry.bfbs", module=__name__)

Point = _schema.struct("geometry.Point")
Path = _schema.table("geometry.Path")

__all__ = [
    "Point",
    "Path",
]
