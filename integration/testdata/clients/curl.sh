# curl: folders made on the way, all three ways to reach a file, ranges, resume.
# The options that choose the channel and the mode come first.
urlencode() {
  local LC_ALL=C text=$1 i c
  for ((i = 0; i < ${#text}; i++)); do
    c=${text:i:1}
    case $c in [a-zA-Z0-9/._-]) printf %s "$c" ;; *) printf %%%02X "'$c" ;; esac
  done
}
options=(-sS --max-time 40 --user "$USER:$PASSWORD" --insecure --no-ftp-skip-pasv-ip --ftp-create-dirs)
case $CHANNEL in explicit) options+=(--ssl-reqd) ;; esac
case $MODE in
PASV) options+=(--disable-epsv) ;;
PORT) options+=(--ftp-port - --disable-eprt) ;;
EPRT) options+=(--ftp-port -) ;;
esac
scheme=ftp
if [ $CHANNEL = implicit ]; then scheme=ftps; fi
base=$scheme://$HOST:$PORT

while read -r name; do
  url=$base/tree/$(urlencode "$name")
  curl "${options[@]}" -T "$UP/$name" "$url"
  curl "${options[@]}" --create-dirs -o "$DOWN/tree/$name" "$url"
done < <(cd "$UP" && find . -type f -printf '%P\n')

curl "${options[@]}" -C - -T "$FILE" $base/half-up.bin
curl "${options[@]}" -C - -o "$DOWN/half-down.bin" $base/half-down.bin

curl "${options[@]}" -r 1000-1999 $base/half-down.bin | cmp - <(tail -c +1001 "$FILE" | head -c 1000)
curl "${options[@]}" -r -500 $base/half-down.bin | cmp - <(tail -c 500 "$FILE")
for method in multicwd nocwd singlecwd; do
  url=$base/by/way/$method
  curl "${options[@]}" --ftp-method $method -T "$FILE" $url
  curl "${options[@]}" --ftp-method $method $url | cmp - "$FILE"
  curl "${options[@]}" --ftp-method $method -l $base/by/way/ | tr -d '\r' | grep -Ex "(by/way/)?$method" >/dev/null
done
