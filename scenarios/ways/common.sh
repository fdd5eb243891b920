# What both deploys are made of. The app's port alternates; Caddy asks both whether they are there. (It
# is not reloaded: its old server closes kept connections then, and resets who asks at that moment.)
set -e
cd "$(dirname "$0")"
old=$(cat port)
if [ "$old" = 8001 ]; then new=8002; else new=8001; fi
release=v$((new - 8000))

start() {
    python3 app.py "$new" "$release" >/dev/null 2>&1 &
    echo $! >"pid.$new"
    until curl -fs "http://127.0.0.1:$new/" >/dev/null; do sleep 0.1; done
    echo "$new" >port
}

stop() {
    kill -TERM "$(cat "pid.$old")"
    while kill -0 "$(cat "pid.$old")" 2>/dev/null; do sleep 0.1; done
}
