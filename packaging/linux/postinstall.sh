#!/bin/sh
# The user, its folders, and word to systemd. Nothing is started: there is no
# configuration yet, and who may log in is the operator's to say.
set -e
if command -v systemd-sysusers >/dev/null && command -v systemd-tmpfiles >/dev/null; then
  systemd-sysusers natftpd.conf
  systemd-tmpfiles --create natftpd.conf
else
  getent group natftpd >/dev/null || groupadd --system natftpd
  getent passwd natftpd >/dev/null ||
    useradd --system --gid natftpd --home-dir /srv/ftp --no-create-home --shell /usr/sbin/nologin --comment "FTP server natftpd" natftpd
  install -d -m 0750 -o natftpd -g natftpd /srv/ftp
  install -d -m 0750 -o root -g natftpd /etc/natftpd
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # After an upgrade the new one takes over, if the old one ran.
  systemctl try-restart natftpd.service
fi
[ -e /etc/natftpd/natftpd.yaml ] || cat <<'END'
natftpd: write who may log in, then start it:
  cp /usr/share/doc/natftpd/natftpd.yaml /etc/natftpd/ && chmod 640 /etc/natftpd/natftpd.yaml && chgrp natftpd /etc/natftpd/natftpd.yaml
  systemctl enable --now natftpd
END
