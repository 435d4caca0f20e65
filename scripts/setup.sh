#!/usr/bin/env bash
# Makes .venv and looks for the system libraries and fonts; `make` calls it before everything else.
#
#   scripts/setup.sh run|test|setup
#
# As root on a Debian-like system what is missing is installed by apt, otherwise one line tells the exact command.
# Systems without apt are left alone. What was done already is found out in a fraction of a second.
set -euo pipefail
cd "$(dirname "$0")/.."
goal=${1:-setup}
venv=.venv

say() { printf '%s\n' "$*" >&2; }

# ---- Python ----------------------------------------------------------------------------------------------------

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed, but ${PYTHON:-python3} is $("${PYTHON:-python3}" -V 2>&1 || true);" \
        "install one and name it: make ${goal} PYTHON=/path/to/python3.11"
    return 1
}

# ---- System packages -------------------------------------------------------------------------------------------

# soname of a library that Qt loads, and the Debian package it is in: those of Qt itself, those of a window under X11
qt_libraries="libEGL.so.1:libegl1 libGL.so.1:libgl1 libOpenGL.so.0:libopengl0 libglib-2.0.so.0:libglib2.0-0
    libdbus-1.so.3:libdbus-1-3 libfontconfig.so.1:libfontconfig1 libfreetype.so.6:libfreetype6
    libxkbcommon.so.0:libxkbcommon0 libX11.so.6:libx11-6"
x11_libraries="libxkbcommon-x11.so.0:libxkbcommon-x11-0 libX11-xcb.so.1:libx11-xcb1 libxcb.so.1:libxcb1
    libxcb-cursor.so.0:libxcb-cursor0 libxcb-icccm.so.4:libxcb-icccm4 libxcb-image.so.0:libxcb-image0
    libxcb-keysyms.so.1:libxcb-keysyms1 libxcb-randr.so.0:libxcb-randr0 libxcb-render-util.so.0:libxcb-render-util0
    libxcb-render.so.0:libxcb-render0 libxcb-shape.so.0:libxcb-shape0 libxcb-shm.so.0:libxcb-shm0
    libxcb-sync.so.1:libxcb-sync1 libxcb-util.so.1:libxcb-util1 libxcb-xfixes.so.0:libxcb-xfixes0
    libxcb-xkb.so.1:libxcb-xkb1"

missing_libraries() { # prints the packages whose library the loader does not know
    local known entry
    known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
    for entry in "$@"; do
        [[ $known == *"${entry%%:*} "* ]] || printf '%s ' "${entry##*:}"
    done
}

missing_fonts() {
    local known
    if ! command -v fc-list >/dev/null; then
        printf 'fontconfig '
        return
    fi
    known=$(fc-list : family)
    [[ -n $known ]] || printf 'fonts-dejavu-core '
    [[ $'\n'$known == *$'\n'Inter* ]] || printf 'fonts-inter '
    [[ -n $(fc-list :lang=zh family) ]] || printf 'fonts-noto-cjk '
}

look_for_packages() { # sets need_qt, need_x11, need_fonts
    # shellcheck disable=SC2086
    need_qt=$(missing_libraries $qt_libraries)
    # shellcheck disable=SC2086
    need_x11=$(missing_libraries $x11_libraries)
    need_fonts=$(missing_fonts)
    if [[ $goal != run ]]; then
        command -v Xvfb >/dev/null || need_x11+="xvfb "
    fi
}

check_system() {
    command -v apt-get >/dev/null || return 0
    look_for_packages
    local all="$need_qt$need_x11$need_fonts"
    [[ -n $all ]] || return 0
    if [[ $(id -u) -eq 0 ]]; then
        say "Installing: $all"
        # shellcheck disable=SC2086
        if apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $all >&2
        then
            look_for_packages
        fi
        all="$need_qt$need_x11$need_fonts"
        [[ -n $all ]] || return 0
    fi
    say "Some system libraries or fonts that the window needs are missing; install them with: sudo apt install ${all% }"
    case $goal in
        run)
            # Without a display the program draws its tour, for which Qt is not needed.
            [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] || return 0
            [[ -z $need_qt && (-z $need_x11 || -n ${WAYLAND_DISPLAY:-}) ]] ;;
        test) [[ -z $need_qt ]] ;;
        *) return 0 ;;
    esac
}

# ---- The virtual environment -----------------------------------------------------------------------------------

fingerprint() { # changes when what is installed would change
    { cat pyproject.toml constraints.txt scripts/setup.sh; "$venv/bin/python" -V; pwd; } | sha256sum
}

make_venv() {
    local python=$1
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
            apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv >&2
        else
            say "Python's venv module is missing; install it with: sudo apt install python3-venv"
            return 1
        fi
    fi
    "$python" -m venv --clear "$venv"
}

install_package() {
    if [[ -x $venv/bin/python && -f $venv/installed && $(fingerprint) == "$(cat "$venv/installed")" ]]; then
        return
    fi
    local python extras
    python=$(find_python)
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_venv "$python"
    say "Installing the program and all it needs into $venv (some minutes the first time)."
    extras=$("$venv/bin/python" -c 'import tomllib
print(",".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]))')
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$extras]"
    fingerprint > "$venv/installed"
}

check_system
install_package
