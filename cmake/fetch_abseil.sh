#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fetch_abseil.sh <folder>: Debian's source package of Abseil, checked by apt-get, unpacked in <folder>/source. Needs no
# root: the list of source packages and all else lie in <folder>.
set -euo pipefail

readonly folder=$1
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg
rm -rf "$folder"
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/source"
cd "$folder"

suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:?}")
printf 'deb-src [signed-by=%s] http://deb.debian.org/debian %s main\n' "$keyring" "$suite" >sources.list
apt_get() {
  apt-get -qq -o Dir::Etc::SourceList="$PWD/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$PWD/lists" \
    -o Dir::Cache="$PWD/cache" -o APT::Sandbox::User= "$@"
}
apt_get update
apt_get source --download-only abseil
tar --extract --file abseil_*.orig.tar.* --directory source --strip-components=1
