#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets this machine up as run.sh does, then runs every test: C++ (ctest) and Python (pytest, lint among them) on an
# optimised build with warnings as errors, again under AddressSanitizer and UndefinedBehaviorSanitizer, and ctest
# under ThreadSanitizer. All stages run even if one fails; fails if any did.
#   --quick      leave the sanitizers out
#   --long       what grows with its counts, at those of a release: every instruction, millions of fuzz executions, minutes of
#                chaos; prints the goals with the figures reached. Comes beside the run without options, not instead of it
#   --coverage   measure the coverage of lines and branches instead: C++ by folder (llvm-cov), the generator and the Python
#                package by file (pytest-cov); fails below the goals
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source .ci/setup.sh

usage() { sed -n 's/^#  //p' "${BASH_SOURCE[0]}"; }

mode=full
case "${1:-}" in
  "") ;;
  --quick) mode=quick ;;
  --long) mode=long ;;
  --coverage) mode=coverage ;;
  --help) usage; exit 0 ;;
  *) echo "unknown option '$1'" >&2; usage >&2; exit 2 ;;
esac

logs=build/test-logs
summaries=()
failed=()

# stage <name> <function> [argument]...: runs it, keeps its output and its runner's last words.
stage() {
  local name=$1 log="$logs/${1//[ ,\/]/_}.log" started=$SECONDS status=ok summary skipped
  shift
  say "$name"
  if ! (set -euo pipefail; "$@") 2>&1 | tee "$log"; then
    status=FAILED
    failed+=("$name")
  fi
  summary=$(grep -E '^[0-9]+% tests passed|^=+ .*(passed|failed|skipped|error|no tests ran).* =+$|^TOTAL |^runtime/.* % ' "$log" | tail -n 20 || true)
  skipped=$(grep -c '(Skipped)$' "$log" || true)   # of ctest: what this machine has no right or program for
  if ((skipped > 0)); then summary+=", $skipped skipped"; fi
  summaries+=("== $name: $status, $((SECONDS - started)) s"${summary:+$'\n'"$summary"})
}

# run_ctest <preset> [option]...: of two --timeout the later one counts. It is for tests without a TIMEOUT of their own.
run_ctest() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --timeout 300 --output-on-failure --no-tests=error --parallel "$(nproc)" "$@"
}

# run_pytest <preset> <folder>...: the tests of the folders against the programs and the extension of that build.
run_pytest() {
  local preset=$1
  shift
  SHMCOMM_BUILD_DIR="$PWD/build/$preset" PYTHONPATH="$PWD/build/$preset/python" "$VENV_PYTHON" -m pytest -p no:cacheprovider \
    --numprocesses "$(nproc)" --dist loadfile "$@"
}

existing() {
  local folder
  for folder in "$@"; do
    if compgen -G "$folder/test_*.py" >/dev/null; then printf '%s\n' "$folder"; fi
  done
}

# The interpreter itself is not instrumented: the sanitizers' libraries come first, and leaks are CPython's own business.
# Of the soak just a moment: it is the memory errors of those who die and clean that are looked for.
run_pytest_with_sanitizers() {
  local folders
  mapfile -t folders < <(existing tests/python tests/interop tests/examples tests/soak)
  SHMCOMM_SOAK_MIN=0.1 LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0:$ASAN_OPTIONS run_pytest asan "${folders[@]}"
}

# A program's counters lie in a file of its own (%m) that its processes share (%c), so those of the killed are not lost.
report_coverage() {
  local folders profiles="$PWD/build/coverage/profiles"
  mapfile -t folders < <(existing tests/generator tests/fuzz tests/python tests/interop tests/examples)
  rm -rf "$profiles"
  export LLVM_PROFILE_FILE="$profiles/%m%c.profraw"
  stage "build, coverage" build coverage
  stage "ctest, coverage" run_ctest coverage
  stage "pytest, coverage" run_pytest coverage --cov=shmcomm_gen --cov=shmcomm --cov-report=term "${folders[@]}"
  stage "coverage of C++" "$VENV_PYTHON" tests/cpp_coverage.py build/coverage "$profiles"
}

test_release() {
  stage "build, ci" build ci
  stage "ctest" run_ctest ci
  stage "pytest" run_pytest ci tests
}

# Opening and closing is all system calls, some 340 for a pair: the dearest test has a processor to itself.
run_leaks() {
  local dearest status=0
  build/ci/tests/faults/faults_test --gtest_filter='Leaks.NotByOpening*' &
  dearest=$!
  build/ci/tests/faults/faults_test --gtest_filter='Leaks.*-Leaks.NotByOpening*' || status=1
  wait "$dearest" || status=1
  return "$status"
}

# How long the others wait after one, and how long a wait goes on after Ctrl-C: figures for the goals, which no test may assert.
measure_deaths() {
  build/ci/bench/bench_idle 1 200
  build/ci/bench/bench_replier_death 200
  build/ci/bench/bench_reopen 200
  build/ci/bench/bench_interrupted 200
}

# One process takes ends with a schema, the other those without.
run_python_leaks() {
  local typed status=0 tests=(tests/python/test_hot_path.py tests/python/test_many_messages.py)
  run_pytest ci --numprocesses 0 --capture=no -k typed "${tests[@]}" &
  typed=$!
  run_pytest ci --numprocesses 0 --capture=no -k "not typed" "${tests[@]}" || status=1
  wait "$typed" || status=1
  return "$status"
}

set_sanitizer_options() {
  export ASAN_OPTIONS=abort_on_error=0
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  export TSAN_OPTIONS=halt_on_error=1
}

# The tests whose counts grow, by themselves and without the others' load beside them. Their watchdogs find what is stuck.
test_long() {
  set_sanitizer_options
  stage "build, ci" build ci
  stage "build, asan" build asan
  export SHMCOMM_KILLS=20000 SHMCOMM_KILL_POINTS=4000 SHMCOMM_FUZZ_RUNS=3000000 SHMCOMM_SCALE=30 SHMCOMM_SOAK_MIN=5
  export SHMCOMM_RELIABLE_MESSAGES=31250000 SHMCOMM_TURN_JOBS=100000 SHMCOMM_MEETING_PROCESSES=32 SHMCOMM_MEETING_ROUNDS=2000
  export SHMCOMM_MUTANTS=0 SHMCOMM_STOP_SECONDS=60 SHMCOMM_KILLED_ENDPOINTS=10000 SHMCOMM_PYTHON_EXITS=1000
  stage "ctest, long" run_ctest ci --timeout 3600 --tests-regex \
    'EveryInstruction|EverySystemCall|FailingSystemCall|FailingAllocation|Kill(Test|Jobs|Calls|Leftovers)|PullersInTurn|^(OpensAndCloses|Joiners|Cleaners)\.|EverySubset|sched.mutants|^ReliableProcesses|^Attached.(Together|InAnyOrder)'
  cp build/ci/Testing/Temporary/LastTest.log "$logs/ctest_long_output.log"
  stage "fuzz, long" run_ctest asan --tests-regex '^fuzz'
  cp build/asan/Testing/Temporary/LastTest.log "$logs/fuzz_asan_long_output.log"
  stage "models, long" env SHMCOMM_MODEL_EXECUTIONS=3 "$VENV_PYTHON" tests/sched/run_models.py build/ci/tests/sched
  SHMCOMM_SCALE=1000 stage "leaks, long" run_leaks
  SHMCOMM_SCALE=250 stage "leaks in Python, long" run_python_leaks
  stage "hostile writer, long" env SHMCOMM_SCALE=1 SHMCOMM_HOSTILE_SECONDS=60 build/asan/tests/faults/faults_test --gtest_filter='*HostileWriter*'
  stage "deaths, long" measure_deaths
  stage "pytest, long" run_pytest ci --numprocesses 0 --capture=no tests/soak tests/python/test_leaks.py tests/python/test_large.py tests/python/test_random_exits.py tests/python/test_interrupted_waits.py
  stage "pytest, wheel" env SHMCOMM_TEST_WHEEL=1 "$VENV_PYTHON" -m pytest -p no:cacheprovider --numprocesses 0 tests/wheel
  stage "goals" print_goals
}

print_goals() {
  "$VENV_PYTHON" tests/goals.py "$logs"/{ctest_long_output,fuzz_asan_long_output,models__long,leaks__long,leaks_in_Python__long,hostile_writer__long,deaths__long,pytest__long}.log
}

test_sanitizers() {
  set_sanitizer_options
  stage "build, asan" build asan
  ASAN_OPTIONS+=:detect_stack_use_after_return=1 stage "ctest, asan" run_ctest asan --label-exclude model
  # The model checker changes stacks, and those of threads that it kills are never unwound.
  ASAN_OPTIONS+=:detect_leaks=0 stage "ctest, asan, model checker" run_ctest asan --label-regex model
  stage "pytest, asan" run_pytest_with_sanitizers
  stage "build, tsan" build tsan
  stage "ctest, tsan" run_ctest tsan
}

prepare
rm -rf "$logs"
mkdir -p "$logs"
case $mode in
  coverage) report_coverage ;;
  quick) test_release ;;
  full) test_release; test_sanitizers ;;
  long) test_long ;;
esac

printf '\n'
printf '%s\n' "${summaries[@]}"
if ((${#failed[@]} > 0)); then
  printf '== failed: %s\n' "${failed[@]}"
  exit 1
fi
