#!/usr/bin/env bash
# package_test.sh BUILD COMPILER: installs the build into a folder that did not exist when it was configured, then
# builds and runs a user's program against it, once through find_package and once through pkg-config.
set -euo pipefail
build=$1 compiler=$2
consumer=$(dirname "$(realpath "$0")")/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >/dev/null

echo "--- find_package"
cmake -S "$consumer" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix"
cmake --build "$work/build"
"$work/build/consumer"

echo "--- pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name weir.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # pkg-config answers with several words
"$compiler" -std=c++23 "$consumer/main.cpp" -o "$work/consumer" $(pkg-config --cflags --libs weir)
"$work/consumer"

if [ -e "$build/weir" ]; then "$work/prefix/bin/weir" --help >/dev/null; fi
