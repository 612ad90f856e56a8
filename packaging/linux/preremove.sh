#!/bin/sh
# Debian says remove or upgrade, RPM how many will be left. An upgrade leaves the
# server running until the new one takes over.
set -e
case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now natftpd.service natftpd.socket
    fi
    ;;
esac
