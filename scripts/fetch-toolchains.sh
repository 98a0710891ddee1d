#!/bin/sh
# fetch-toolchains.sh FOLDER: fetches the Debian packages that the real-life builds with compilers and servers are made of
# (test/engine/builder/services/debian-bases.txt) and all they need, by this machine's apt. Nothing is installed. Then
# TSCOMPOSE_TOOLCHAINS=FOLDER makes the tests run them.
set -eu
folder=${1:?name a folder}
list=$(dirname "$0")/../test/engine/builder/services/debian-bases.txt
usual='dash coreutils sed grep findutils base-files base-passwd libc-bin tar gzip'
mkdir -p "$folder/state"
: >"$folder/state/status"
while read -r name packages; do
  mkdir -p "$folder/$name/partial"
  # shellcheck disable=SC2086 -- both are lists of words
  apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$folder/state/status" \
    -o Dir::Cache::archives="$folder/$name" -o APT::Sandbox::User=root -o Debug::NoLocking=1 install $usual $packages
done <"$list"
