# SPDX-License-Identifier: Apache-2.0
"""Gives out parcels to be sorted. usage: pushpull_pusher.py COUNT"""

import sys

from warehouse import ParcelsPusher

if len(sys.argv) != 2:
    sys.exit(__doc__)
count = int(sys.argv[1])
with ParcelsPusher() as parcels:
    print(f"giving out {count} parcels", flush=True)
    for number in range(count):
        parcels.push(id=number, address=f"shelf {number % 100}", timeout=60_000)  # waits while 64 are not sorted yet
