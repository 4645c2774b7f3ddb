# SPDX-License-Identifier: Apache-2.0
"""Prints where the robot is. usage: pubsub_subscriber.py [how many, until Ctrl-C by default]"""

import sys
from contextlib import suppress
from itertools import islice

from warehouse import PoseSubscriber

count = int(sys.argv[1]) if len(sys.argv) > 1 else None
with suppress(KeyboardInterrupt), PoseSubscriber() as poses:
    for pose in islice(poses, count):
        print(f"robot at {pose.x:g}, {pose.y:g} ({pose.lost} lost)", flush=True)
