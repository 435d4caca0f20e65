#!/usr/bin/env bash
# Runs all tests: most without a screen, as many at once as there are processors (`-n 0`: one after another), then those
# marked `x11` or `also_x11` in a real X window, of which only one can have the focus; the last line says how many ran.
# Those marked `slow` are left out unless the first argument is --all.
set -uo pipefail
cd "$(dirname "$0")/.."
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
python=.venv/bin/python
status=0
quick=" and not slow"
if [ "${1:-}" = --all ]; then
    quick=""
    shift
fi
at_once=$(nproc)
at_once=$((at_once < 8 ? at_once : 8))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(($(nproc) / at_once))}

echo "== without a screen, $at_once at once"
QT_QPA_PLATFORM=offscreen "$python" -m pytest -n "$at_once" --dist loadscope --no-loadscope-reorder -m "not x11$quick" --junitxml="$results/offscreen.xml" "$@" || status=1
echo "== in an X window"
scripts/xvfb.sh "$python" -m pytest -m "(x11 or also_x11)$quick" --junitxml="$results/x11.xml" "$@" || status=1

"$python" scripts/count_tests.py "$results" || status=1
exit $status
