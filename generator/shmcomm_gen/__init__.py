# SPDX-License-Identifier: Apache-2.0
"""The schema compiler of shmcomm: `.channel` and `.fbs` files in, C++, Python and binary schemas out.

`compile.py` reads top to bottom and names the stages in order. Only `output.py` writes files, and only a `Sink`
(diagnostics.py) collects errors; every other module is functions from value to value.
"""

__version__ = "0.1.0"
