# SPDX-License-Identifier: Apache-2.0
"""Publishes where the robot is. usage: pubsub_publisher.py [how many, until Ctrl-C by default]"""

import math
import sys
import time
from contextlib import suppress
from itertools import count

from warehouse import PosePublisher

poses = range(int(sys.argv[1])) if len(sys.argv) > 1 else count()
with suppress(KeyboardInterrupt), PosePublisher() as pose:
    for i in poses:
        angle = 0.1 * i
        pose.send(x=math.cos(angle), y=math.sin(angle), heading=angle)
        time.sleep(0.1)
