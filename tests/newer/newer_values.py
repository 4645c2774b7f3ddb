# SPDX-License-Identifier: Apache-2.0
"""The messages of each number, and any message in words, as ends.h of the C++ end has them."""

from __future__ import annotations

from typing import Any

import far
import near


def _cell(number: int) -> dict[str, Any]:
    return {"at": [number, number + 1], "height": number * -1000}


def _task(number: int) -> Any:
    return [near.Walk(metres=number), near.Point(x=number, y=-number), f"say {number}"][number % 3]


def make_near(number: int) -> dict[str, Any]:
    if number == 0:
        return {}
    return {
        "mode": near.Mode.On if number % 2 else near.Mode.Off,
        "task": _task(number),
        "tasks": [_task(i) for i in range(number)],
        "name": "name",
        "none": "some",
        "list": [i - 1 for i in range(number)],
        "names": [f"n{i}" for i in range(number)],
        "cells": [_cell(i) for i in range(number)],
        "places": [{"cell": _cell(i), "weight": i - number} for i in range(number % 4)],
    }


def make_far(number: int) -> dict[str, Any]:
    if number == 0:
        return {}
    points = [{"x": i, "y": -i} for i in range(number)]
    return {
        "before": 1,
        "numbers": [i - 1 for i in range(number)],
        "points": points,
        "words": "far words",
        "bytes": bytes([number]) * (number * 1000),
        "wide": [float(number)] * number,
        "many": points,
        "after": 2,
    }


def _list(vector: Any, text: Any) -> str:
    return "none" if vector is None else "[" + ",".join(text(one) for one in vector) + "]"


def _number(number: Any) -> str:
    return str(int(number))


def _cell_text(cell: Any) -> str:
    return f"({cell['at'][0]} {cell['at'][1]} {cell['height']})"


def _point_text(point: Any) -> str:
    return f"{point['x']} {int(point['y'])}"


def _task_text(task: Any) -> str:
    match task:
        case None:
            return "none"
        case str():
            return f"text {task}"
        case near.Point():
            return f"Point {task.x} {int(task.y)}"
    return f"Walk {task.metres}"


def near_text(message: Any) -> str:
    text = f"mode={int(message.mode)} task={_task_text(message.task)} tasks={_list(message.tasks, _task_text)}"
    text += f" name={message.name} none={message.none} list={_list(message.list, _number)}"
    text += f" names={_list(message.names, str)} cells={_list(message.cells, _cell_text)}"
    text += f" places={_list(message.places, lambda one: _cell_text(one['cell']) + str(one['weight']))}"
    first = [] if message.cells is None else list(message.cells)[:1]
    return text + "".join(f" found={_cell_text(cell)}" for cell in first)


def far_text(message: Any) -> str:
    text = f"before={message.before} numbers={_list(message.numbers, _number)} points={_list(message.points, _point_text)}"
    text += f" words={'none' if message.words is None else message.words} bytes={_list(message.bytes, _number)}"
    text += f" wide={_list(message.wide, _number)} many={_list(message.many, _point_text)}"
    return f"{text} after={message.after}"


ENDPOINTS = {"near": (near.NearPublisher, near.NearSubscriber), "far": (far.FarPublisher, far.FarSubscriber)}
MAKE = {"near": make_near, "far": make_far}
TYPES: dict[str, Any] = {"near": near.Near, "far": far.Far}
TEXT = {"near": near_text, "far": far_text}
