# SPDX-License-Identifier: Apache-2.0
"""Asks for a route. usage: reqrep_requester.py FROM TO"""

import sys

import shmcomm
from warehouse import RouteRequester

if len(sys.argv) != 3:
    sys.exit(__doc__)
# Waits for a planner within the channel's timeout, one second; without the option the call fails at once.
with RouteRequester(wait_for_replier=True) as planner:
    try:
        route = planner.call(from_shelf=int(sys.argv[1]), to_shelf=int(sys.argv[2]))
    except shmcomm.SHMError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(*route.shelves, f"({route.metres:g} m)")
