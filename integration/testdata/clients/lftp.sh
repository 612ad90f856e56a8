# lftp: mirror both ways, resume both ways.
case $CHANNEL in
plain) options="set ftp:ssl-allow no" ;;
*) options="set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ftp:ssl-protect-list yes; set ssl:verify-certificate no" ;;
esac
case $MODE in
PASV) options+="; set ftp:prefer-epsv no" ;;
EPSV) options+="; set ftp:prefer-epsv yes" ;;
PORT) options+="; set ftp:passive-mode no" ;;
esac
scheme=ftp
if [ $CHANNEL = implicit ]; then scheme=ftps; fi
lftp --norc -c "
set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 10; set ftp:fix-pasv-address no; $options
open -u '$USER','$PASSWORD' $scheme://$HOST:$PORT
mirror --reverse --parallel=2 '$UP' tree
mirror --parallel=2 tree '$DOWN/tree'
put -c '$FILE' -o half-up.bin
get -c half-down.bin -o '$DOWN/half-down.bin'
bye"
