# SPDX-License-Identifier: Apache-2.0
"""`python -m shmcomm_gen` is the command `shmcommc`."""

import sys

from shmcomm_gen.cli import main

sys.exit(main(sys.argv[1:]))
