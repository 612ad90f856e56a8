# rclone: sync and check, both ways. It resumes nothing.
export RCLONE_CONFIG=/dev/null RCLONE_FTP_HOST=$HOST RCLONE_FTP_PORT=$PORT RCLONE_FTP_USER=$USER
export RCLONE_FTP_PASS=$(rclone obscure "$PASSWORD" 2>/dev/null) RCLONE_FTP_NO_CHECK_CERTIFICATE=true
case $CHANNEL in
explicit) export RCLONE_FTP_EXPLICIT_TLS=true ;;
implicit) export RCLONE_FTP_TLS=true ;;
esac
case $MODE in PASV) export RCLONE_FTP_DISABLE_EPSV=true ;; esac
rclone() { command rclone --retries 1 --low-level-retries 1 --checkers 2 --transfers 2 "$@"; }
rclone sync "$UP" :ftp:tree
rclone check --download "$UP" :ftp:tree
rclone sync :ftp:tree "$DOWN/tree"
rclone lsf :ftp:tree | grep -x plain.txt >/dev/null
