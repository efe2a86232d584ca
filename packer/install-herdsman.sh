#!/bin/sh
# Puts herdsman on this machine: binary, unit, users, directories. Run as root; running it again changes nothing.
#
#   install-herdsman.sh DIRECTORY
#
# DIRECTORY holds the binary `herdsman`, the files of systemd/, and a herdsman.toml if one is to be baked in.
# The service is enabled, not started: it starts at the boot of an instance, not on the machine that builds the image.
# ROOT=/somewhere installs below that directory and neither enables nor makes users (for tests).
set -eu

from=${1:?which directory holds herdsman and its unit?}
root=${ROOT:-}

binary=$root/usr/local/bin/herdsman
config=$root/etc/herdsman/herdsman.toml

# Beside its place and then renamed: a running agent keeps its file, and nobody meets half a binary.
put() { # mode, from, to
    mkdir -p "$(dirname "$3")"
    install -m "$1" "$2" "$3.new"
    mv -f "$3.new" "$3"
}

put 0755 "$from/herdsman" "$binary"
put 0644 "$from/herdsman.service" "$root/usr/lib/systemd/system/herdsman.service"
put 0644 "$from/herdsman.sysusers" "$root/usr/lib/sysusers.d/herdsman.conf"
put 0644 "$from/herdsman.tmpfiles" "$root/usr/lib/tmpfiles.d/herdsman.conf"

# It runs here at all (right processor, whole file), and the configuration is right, before anything relies on it.
"$binary" version
if [ -s "$from/herdsman.toml" ]; then
    "$binary" check "$from/herdsman.toml"
fi

if [ -z "$root" ]; then
    systemd-sysusers herdsman.conf
    systemd-tmpfiles --create herdsman.conf
fi
if [ -s "$from/herdsman.toml" ]; then
    # It may hold settings for the app that are nobody else's business.
    put 0640 "$from/herdsman.toml" "$config"
    [ -n "$root" ] || chgrp herdsman "$config"
fi
if [ -z "$root" ]; then
    systemd-analyze verify --man=no /usr/lib/systemd/system/herdsman.service
    systemctl --quiet enable herdsman.service
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
fi
echo "herdsman is installed: $binary"
