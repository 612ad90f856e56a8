# wget: recursive, and resume. It doesn't upload.
options=(--no-verbose --tries=1 --timeout=20 --user="$USER" --password="$PASSWORD" --no-check-certificate)
scheme=ftps
case $CHANNEL in
plain) scheme=ftp ;;
implicit) options+=(--ftps-implicit) ;;
esac
case $MODE in PORT) options+=(--no-passive-ftp) ;; esac
cd "$DOWN"
wget "${options[@]}" --recursive --level=inf --no-host-directories --no-remove-listing --restrict-file-names=nocontrol $scheme://$HOST:$PORT/tree
find . -name .listing -delete
wget "${options[@]}" --continue $scheme://$HOST:$PORT/half-down.bin
