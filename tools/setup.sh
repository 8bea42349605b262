#!/bin/sh
# Makes .venv with the pinned, hash-checked packages: "run" to serve, "dev" to test as well.
# Needs Python >= 3.11; installs what Debian lacks when it may (root), else says what to install.
set -eu
cd "$(dirname "$0")/.."
kind=${1:?usage: tools/setup.sh run|dev}

debian() { # debian PACKAGE...: install Debian packages, or say exactly what is missing
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 || {
            apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "$@" >/dev/null
        }
    else
        echo "Missing: $*. Install it (on Debian: sudo apt-get install $*) and run make again." >&2
        exit 1
    fi
}

unpack_promtool() { # the one program of Debian's prometheus, unpacked: installing it would start a server
    folder=$(mktemp -d)
    if command -v apt-get >/dev/null && (cd "$folder" && apt-get download -q prometheus >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null 2>&1 && apt-get download -q prometheus >/dev/null 2>&1; }); then
        dpkg-deb -x "$folder"/prometheus_*.deb "$folder" && cp "$folder/usr/bin/promtool" .venv/bin/
    else
        echo "Missing: promtool, which comes with Prometheus; the tests of deploy/ leave out what needs it." >&2
    fi
    rm -rf "$folder"
}

unpack_sshd() { # OpenSSH's server alone: installing the package would start it
    folder=$(mktemp -d)
    if command -v apt-get >/dev/null && (cd "$folder" && apt-get download -q openssh-server >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null 2>&1 && apt-get download -q openssh-server >/dev/null 2>&1; }); then
        dpkg-deb -x "$folder"/openssh-server_*.deb "$folder" && cp "$folder/usr/sbin/sshd" .venv/bin/
        ldconfig -p | grep -q libwrap.so.0 || debian libwrap0 # its one library that nothing else here brings
    else
        echo "Missing: sshd, OpenSSH's server; the tests of nodes behind ssh are left out." >&2
    fi
    rm -rf "$folder"
}

has_sshd() { command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || [ -x .venv/bin/sshd ]; }

has_php() { # PHP with all that MediaWiki and its feed to Redis ask for
    command -v php >/dev/null && php -r 'foreach (["intl", "mbstring", "pdo_sqlite", "xml", "apcu", "redis"] as $part)
        if (!extension_loaded($part)) exit(1);'
}

unpack_mediawiki() { # MediaWiki's files alone: installing the package would start a web server
    folder=$(mktemp -d)
    if command -v apt-get >/dev/null &&
        (cd "$folder" && apt-get download -q mediawiki mediawiki-classes >/dev/null 2>&1 ||
            { apt-get update -q >/dev/null 2>&1 && apt-get download -q mediawiki mediawiki-classes >/dev/null 2>&1; }); then
        for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder"; done
        mkdir -p .venv/share
        mv "$folder/usr/share/mediawiki" .venv/share/mediawiki
    else
        echo "Missing: Debian's package mediawiki; the tests against a real MediaWiki are left out." >&2
    fi
    rm -rf "$folder"
}

python=
for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { debian python3; python=python3; }

"$python" -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
ldconfig -p 2>/dev/null | grep -q libgomp.so.1 || debian libgomp1

[ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null || "$python" -m venv --clear .venv

pip() { # told is only what it says when it fails: the rest is about its own configuration
    .venv/bin/python -m pip --disable-pip-version-check --quiet "$@" >.venv/pip.log 2>&1 || {
        cat .venv/pip.log >&2
        echo "The packages could not be installed: see above, mend that, and run make again." >&2
        exit 1
    }
}
case $kind in
run) requirements=requirements.txt ;;
dev)
    requirements=requirements-dev.txt
    command -v chromium >/dev/null || debian chromium
    command -v 7z >/dev/null || debian p7zip-full
    command -v redis-server >/dev/null || debian redis-server
    command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || debian haproxy
    command -v promtool >/dev/null || [ -x .venv/bin/promtool ] || unpack_promtool
    [ "$(id -u)" != 0 ] || command -v systemd-nspawn >/dev/null || debian systemd-container # only root boots machines
    command -v curl >/dev/null || debian curl
    command -v ssh >/dev/null || debian openssh-client
    has_sshd || unpack_sshd
    # run by root, sshd is somebody else until a client has logged in
    [ "$(id -u)" != 0 ] || id sshd >/dev/null 2>&1 || useradd --system --home-dir /run/sshd --shell /usr/sbin/nologin sshd
    has_php || debian php-cli php-sqlite3 php-xml php-mbstring php-intl php-apcu php-redis
    [ -d .venv/share/mediawiki ] || unpack_mediawiki
    ;;
*) echo "usage: tools/setup.sh run|dev" >&2; exit 2 ;;
esac
echo "Installing the pinned packages of $requirements into .venv, which takes a minute ..."
pip install --require-hashes -r "$requirements"
pip install --no-deps --no-build-isolation -e .
touch .venv/.run-ready ".venv/.$kind-ready"
