#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts the telemetry publisher (C++) and the table that shows what it sends (Python), stops both, and checks that
# nothing is left in shared memory.
#   bash run.sh <build folder> [arguments of telemetry_table.py]
set -euo pipefail

if (($# < 1)); then
  echo "usage: run.sh <build folder> [--seconds N]" >&2
  exit 2
fi
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
build="$(cd "$1" && pwd)"
shift

# A domain of its own: several of these may run beside each other, and beside anything else. The root is the runtime's
# own unless somebody has set one; the last one out removes its own.
export SHMCOMM_DOMAIN="telemetry-$$"
domain="${SHMCOMM_ROOT:-/dev/shm/shmcomm-$(id -u)}/$SHMCOMM_DOMAIN"
export PYTHONPATH="$build/examples/telemetry/telemetry_msgs.shm/python:$build/python${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONDONTWRITEBYTECODE=1

publisher= table=
stop() { kill -TERM ${publisher:+"$publisher"} ${table:+"$table"} 2>/dev/null || true; }
trap stop INT TERM HUP EXIT

# Bash goes on after a trap while a child that it waits for still runs, so it waits again.
status_of() {
  local status=0
  wait "$1" || status=$?
  while kill -0 "$1" 2>/dev/null; do
    status=0
    wait "$1" || status=$?
  done
  return "$status"
}

"$build/examples/telemetry/telemetry_publisher" &
publisher=$!
"${PYTHON:-python3}" "$here/telemetry_table.py" "$@" &
table=$!

# Whichever ends first; without a publisher the table has nothing to wait for.
wait -n "$publisher" "$table" || true
kill -0 "$publisher" 2>/dev/null || kill -TERM "$table" 2>/dev/null || true

table_status=0 publisher_status=0
status_of "$table" || table_status=$?
table=
kill -TERM "$publisher" 2>/dev/null || true
status_of "$publisher" || publisher_status=$?
publisher=

if ((table_status != 0 || publisher_status != 0)); then
  echo "run.sh: table exited with $table_status, publisher with $publisher_status" >&2
  exit 1
fi
if [[ -e $domain ]]; then
  printf 'run.sh: left in shared memory:\n%s\n' "$(find "$domain")" >&2
  exit 1
fi
echo "nothing left in shared memory"
