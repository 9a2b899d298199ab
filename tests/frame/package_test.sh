#!/usr/bin/env bash
# package_test.sh BUILD COMPILER [COMPONENT...]: installs the build into a folder that did not exist when it was
# configured, then builds and runs a user's programs against it, one for the core and one for each component, once
# through find_package and once through pkg-config.
set -euo pipefail
build=$1 compiler=$2
shift 2
components=("$@")
consumer=$(dirname "$(realpath "$0")")/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$work/localhost.key" -out "$work/localhost.pem" 2>/dev/null

# run_all DIRECTORY: what was built there
run_all() {
  "$1/consumer"
  for name in "${components[@]}"; do "$1/${name}_consumer" "$work"; done
}

echo "--- find_package"
cmake -S "$consumer" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCOMPONENTS="$(IFS=';'; echo "${components[*]}")"
cmake --build "$work/build"
run_all "$work/build"

echo "--- find_package of what is not there"
if cmake -S "$consumer" -B "$work/none" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DCOMPONENTS=no_such_component >/dev/null 2>"$work/none.log"; then exit 1; fi
grep -q "set weir_FOUND to FALSE" "$work/none.log"

echo "--- pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name weir.pc)"):${PKG_CONFIG_PATH:-}
export PKG_CONFIG_PATH
mkdir "$work/plain"
# compile PROGRAM SOURCE MODULE; pkg-config answers with several words
compile() {
  # shellcheck disable=SC2046
  "$compiler" -std=c++23 "$consumer/$2" -o "$work/plain/$1" $(pkg-config --cflags --libs "$3")
}
compile consumer main.cpp weir
for name in "${components[@]}"; do compile "${name}_consumer" "${name}_main.cpp" "weir-$name"; done
run_all "$work/plain"

if [ -e "$build/weir" ]; then "$work/prefix/bin/weir" --help >/dev/null; fi
