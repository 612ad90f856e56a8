#!/bin/sh
# Files, the configuration and the user stay: they are the operator's. What natftpd
# kept for itself goes with a purge.
set -e
if [ "$1" = purge ]; then
  rm -rf /var/lib/natftpd /var/log/natftpd
  rmdir --ignore-fail-on-non-empty /etc/natftpd /srv/ftp 2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
