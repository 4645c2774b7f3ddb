# SPDX-License-Identifier: Apache-2.0
"""Sorts parcels, until Ctrl-C or until none has come for a while. usage: pushpull_puller.py [SECONDS]"""

import sys
import time
from contextlib import suppress
from datetime import timedelta

import shmcomm
from warehouse import ParcelsPuller

patience = timedelta(seconds=int(sys.argv[1])) if len(sys.argv) > 1 else None
with suppress(KeyboardInterrupt), ParcelsPuller() as parcels:
    while True:
        try:
            parcel = parcels.recv(patience)
        except shmcomm.SHMTimeoutError:
            break
        with parcel:  # at the end of this block the parcel is sorted; if it raises, another arm gets it
            time.sleep(0.002)  # the work
            again = " (another arm died with it)" if parcel.attempt > 0 else ""
            print(f"sorted {parcel.id} to {parcel.address}{again}.", flush=True)
