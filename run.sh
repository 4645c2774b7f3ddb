#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets this machine up (Debian 12: apt packages, .venv), builds, and shows this computer's telemetry flowing from a C++
# publisher to a Python subscriber. Arguments go to the example.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source .ci/setup.sh

prepare
build release
PYTHONPATH="$PWD/build/release/python" exec bash examples/telemetry/run.sh build/release "$@"
