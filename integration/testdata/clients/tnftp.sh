# tnftp: one command after the other. It resumes an upload by sending the rest.
quote() { LC_ALL=C sed 's/[^a-zA-Z0-9\/]/\\&/g' <<<"$1"; }
tail -c +$(($(stat -c %s "$FILE") / 2 + 1)) "$FILE" >"$DOWN/rest"
{
  echo "user $USER \"$PASSWORD\""
  case $MODE in
  PASV) echo epsv4 off ;;
  PORT) printf '%s\n' "passive off" "epsv4 off" ;;
  EPRT) printf '%s\n' "passive off" ;;
  esac
  cd "$UP"
  echo "mkdir tree"
  find . -mindepth 1 -type d -printf '%P\n' | while read -r name; do
    echo "mkdir $(quote "tree/$name")"
    mkdir -p "$DOWN/tree/$name"
  done
  find . -type f -printf '%P\n' | while read -r name; do
    echo "put $(quote "$UP/$name") $(quote "tree/$name")"
    echo "get $(quote "tree/$name") $(quote "$DOWN/tree/$name")"
  done
  echo "append \"$DOWN/rest\" half-up.bin"
  echo "lcd \"$DOWN\""
  echo "reget half-down.bin"
  echo "nlist tree/plain*"
  echo bye
} >"$DOWN/commands"
mkdir -p "$DOWN/tree"
tnftp -n -i -v $HOST $PORT <"$DOWN/commands" | tee "$DOWN/said"
grep '^tree/plain.txt' "$DOWN/said" >/dev/null
