#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# For cibuildwheel, whose images are not Debian: Abseil's sources in /opt/abseil, FlatBuffers' headers in /usr/local.
set -euo pipefail

readonly ABSEIL=20220623.1 FLATBUFFERS=25.12.19

fetch() {
  mkdir -p "$2"
  curl --fail --silent --show-error --location "https://github.com/$1" | tar -xz -C "$2" --strip-components=1
}

fetch "abseil/abseil-cpp/archive/refs/tags/$ABSEIL.tar.gz" /opt/abseil
fetch "google/flatbuffers/archive/refs/tags/v$FLATBUFFERS.tar.gz" /opt/flatbuffers
cmake -S /opt/flatbuffers -B /opt/flatbuffers/build -DFLATBUFFERS_BUILD_TESTS=OFF -DFLATBUFFERS_BUILD_FLATC=OFF
cmake --build /opt/flatbuffers/build --parallel "$(nproc)" --target install
