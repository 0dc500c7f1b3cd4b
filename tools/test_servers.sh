#!/bin/sh
# See to it that the programs the tests start are there: Debian's packages are installed where that is possible (root,
# apt-get), else one line says what is left out. With CI=true nothing may be left out. Arguments: programs, if not all.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"
[ $# -gt 0 ] || set -- mariadbd redis-server chromium curl wrk

package() {
    case $1 in
    mariadbd) echo mariadb-server-core mariadb-client-core ;; # the programs without a running service
    *) echo "$1" ;;
    esac
}

use() {
    case $1 in
    mariadbd) echo "the tests on MariaDB are left out" ;;
    redis-server) echo "the tests on Redis are left out" ;;
    chromium) echo "the tests in a browser are left out" ;;
    curl) echo "the README's tour cannot be tried out" ;;
    wrk) echo "the benchmark is left out" ;;
    *) echo "what needs it is left out" ;;
    esac
}

missing() { for program; do command -v "$program" >/dev/null || echo "$program"; done; }

if [ -n "$(missing "$@")" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    packages=$(for program in $(missing "$@"); do package "$program"; done)
    echo "Installing for the tests:" $packages >&2
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends $packages; } >/dev/null || true
fi

for program in $(missing "$@"); do
    echo "$program is not installed: $(use "$program")." >&2
    left_out=yes
done
if [ -n "${left_out:-}" ] && [ "${CI:-}" = true ]; then
    echo "With CI=true no test may be left out." >&2
    exit 1
fi
