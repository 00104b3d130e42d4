#!/bin/sh
# Makes .venv from the exact lock file: tools/setup.sh lab|test
set -eu
kind=$1
cd "$(dirname "$0")/.."

python=
for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
  if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "setup: PATH: no Python 3.11, 3.12 or 3.13 with venv; expected one. Install python3.11 and python3.11-venv, or set PYTHON." >&2
  exit 2
fi

if [ ! -x .venv/bin/python ]; then
  echo "setup: making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi
echo "setup: installing requirements/$kind.lock (hashes are checked)"
.venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/bootstrap.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r "requirements/$kind.lock"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e . -e winlab
# uv installs without bytecode. Where Python may not write it either (PYTHONDONTWRITEBYTECODE, a read-only file system),
# every start of ansible-playbook would compile half a second of source again. As with pip, a file for another Python is
# no failure: Python compiles at import what is missing. Collections have a loader of their own, which keeps none.
echo "setup: compiling"
.venv/bin/python -m compileall -qq -j 0 -x '/(ansible_collections|ansible_test|tests?)/' .venv/lib src winlab/src || true
touch .venv/bin/.lab
if [ "$kind" = test ]; then
  touch .venv/bin/.test
fi
