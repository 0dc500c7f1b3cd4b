#!/bin/sh
# Make .venv hold what a lock says, if it does not already: `tools/venv.sh run` (what runs Plaza) or `dev` (all of it).
# Needs Python >= 3.11 with its venv module, and pip's access to a package index. PYTHON names the interpreter to use.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

members() { # the folders of the workspace's packages, in the order in which they build on each other
    for file in protos/pyproject.toml libs/*/pyproject.toml gateway/pyproject.toml services/*/pyproject.toml; do
        [ ! -f "$file" ] || printf '%s\n' "${file%/pyproject.toml}"
    done
}

key() { # names a state of .venv: the lock's content and the members that are installed from this folder
    { cat "$1"; members; members | sed 's|$|/pyproject.toml|' | xargs cat; } | cksum
}

is_current() { [ -x .venv/bin/python ] && [ -f ".venv/plaza-$1" ] && [ "$(cat ".venv/plaza-$1")" = "$(key "$2")" ]; }

version_of() { "$1" -c 'import sys; print(".".join(map(str, sys.version_info[:3])))' 2>/dev/null; }
is_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() { # prints the interpreter to use
    if [ -n "${PYTHON:-}" ]; then
        is_enough "$PYTHON" && { printf '%s\n' "$PYTHON"; return; }
        have=$(version_of "$PYTHON") || fail "PYTHON=$PYTHON is not a Python that runs: name one of version 3.11 or newer."
        fail "PYTHON=$PYTHON is Python $have: name one of version 3.11 or newer."
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        is_enough "$name" && { printf '%s\n' "$name"; return; }
    done
    have=$(version_of python3) && have="only Python $have" || have="no Python"
    fail "Plaza needs Python 3.11 or newer and found $have: install one (Debian, Ubuntu: apt-get install python3 python3-venv)" \
        "or name it: make run PYTHON=/path/to/python3"
}

make_venv() {
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python $(version_of "$python") comes without its venv module: install it (Debian, Ubuntu: apt-get install python3-venv) and try again."
    rm -rf .venv
    "$python" -m venv .venv
    printf '%s\n' "${PYTHON:-}" >.venv/plaza-python
    pwd -P >.venv/plaza-home
}

needs_new_venv() { # there is none, it was moved here, its Python is gone, or another Python is asked for
    [ -x .venv/bin/python ] || return 0
    [ ! -f .venv/plaza-home ] || [ "$(cat .venv/plaza-home)" = "$(pwd -P)" ] || return 0
    [ -n "${PYTHON:-}" ] && [ -f .venv/plaza-python ] && [ "$(cat .venv/plaza-python)" != "$PYTHON" ]
}

case "${1:-}" in
run) lock=requirements.lock ;;
dev) lock=requirements-dev.lock ;;
*) fail "usage: tools/venv.sh run|dev" ;;
esac

if ! needs_new_venv; then
    is_current "$1" "$lock" && exit 0
    [ "$1" = run ] && is_current dev requirements-dev.lock && exit 0
else
    make_venv
fi

say "Installing the locked packages into .venv ($lock); the next start finds them there."
pip() { .venv/bin/python -m pip --disable-pip-version-check install -qq --no-deps "$@"; }
pip --require-hashes -r "$lock"
# shellcheck disable=SC2046 # folder names of ours, without spaces
pip --no-build-isolation $(members | sed 's|^|-e ./|')
key "$lock" >".venv/plaza-$1"
