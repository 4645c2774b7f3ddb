# SPDX-License-Identifier: Apache-2.0
"""`python -m shmcomm_gen` is the command `shmcommc`."""

from shmcomm_gen.cli import run

run()
