#!/usr/bin/env bash
# Runs a command on an X server of its own that shows nothing: scripts/xvfb.sh COMMAND...
set -euo pipefail
if ! command -v Xvfb >/dev/null; then
    echo "The X server Xvfb is missing, so nothing was run in a real X window; install it with: sudo apt install xvfb" >&2
    exit 1
fi
folder=$(mktemp -d)
Xvfb -displayfd 1 -screen 0 2560x1600x24 -nolisten tcp -noreset >"$folder/display" 2>"$folder/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 200); do
    [[ -s $folder/display ]] && break
    if ! kill -0 "$server" 2>/dev/null; then
        cat "$folder/log" >&2
        exit 1
    fi
    sleep 0.05
done
DISPLAY=":$(tr -d '[:space:]' <"$folder/display")"
export DISPLAY
unset WAYLAND_DISPLAY
QT_QPA_PLATFORM=xcb "$@"
