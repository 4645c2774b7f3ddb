# SPDX-License-Identifier: Apache-2.0
"""Plans routes until Ctrl-C. Start as many as you like: they share the requests."""

import signal

from warehouse import Route, RouteReplier, RouteRequest

SHELVES = 100

with RouteReplier() as planner:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: planner.stop())

    @planner.serve
    def plan(request: RouteRequest) -> Route:
        first, last = request.from_shelf, request.to_shelf
        if max(first, last) >= SHELVES:
            raise ValueError(f"there are {SHELVES} shelves")  # the caller's SHMReplyError
        step = 1 if first <= last else -1
        return Route(shelves=range(first, last + step, step), metres=1.5 * abs(last - first))

    print(f"planned {planner.stats.replied} routes")
