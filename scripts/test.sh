#!/usr/bin/env bash
# Runs all tests: most without a screen, those marked `x11` or `also_x11` in a real X window; the last line says
# how many ran.
set -uo pipefail
cd "$(dirname "$0")/.."
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
python=.venv/bin/python
status=0

echo "== without a screen"
QT_QPA_PLATFORM=offscreen "$python" -m pytest -m "not x11" --junitxml="$results/offscreen.xml" "$@" || status=1
echo "== in an X window"
scripts/xvfb.sh "$python" -m pytest -m "x11 or also_x11" --junitxml="$results/x11.xml" "$@" || status=1

"$python" scripts/count_tests.py "$results" || status=1
exit $status
