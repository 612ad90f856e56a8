# ncftp: whole trees, resume both ways, listings.
options=(-u "$USER" -p "$PASSWORD" -P $PORT -r 1 -t 20)
case $MODE in PORT) options+=(-E) ;; esac
ncftpput "${options[@]}" -V -R $HOST / "$UP"
ncftpget "${options[@]}" -V -R -T $HOST "$DOWN" /tree
# Without -s it resumes with the whole file: it hands sendfile no offset.
ncftpput "${options[@]}" -V -s -z -C $HOST "$FILE" half-up.bin
ncftpget "${options[@]}" -V -z -C $HOST half-down.bin "$DOWN/half-down.bin"
ncftpls "${options[@]}" "ftp://$HOST/tree/" | grep -x plain.txt >/dev/null
ncftpls "${options[@]}" -l "ftp://$HOST/" | grep ' half-up.bin$' >/dev/null
