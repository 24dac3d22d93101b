#!/bin/bash
# Servers that take long to start: OpenStack Swift, which answers conditional PUT with 501, and a Ceph cluster of three
# OSDs, one of which is killed while a package is pushed.
# usage: tests/long/servers.sh PANNIER DIR
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,/^set/{/^set/d;s/^# //;p}' "$0" >&2; exit 2; }
pannier=$(realpath "$1")
mkdir -p "$2"
dir=$(realpath "$2")
servers=$(cd "$(dirname "$0")/../servers" && pwd)
trap '"$servers/swift" stop "$dir/swift"; "$servers/rgw" stop "$dir/cluster"' EXIT
unset PANNIER_STORE "${!AWS_@}"

fail() { echo "servers: $*" >&2; exit 1; }

# pushed STORE: what STORE pushed comes to another one as it was, and is not sent again.
pushed() {
	"$pannier" remote check -q cloud --store "$1"
	"$pannier" push cloud v1 --json --store "$1" >"$dir/push.json"
	[ "$(jq .blobsSent "$dir/push.json")" = 0 ] || fail "what is there is sent again: $(cat "$dir/push.json")"
	"$pannier" remote add -q cloud "$url" --store "$1.other"
	"$pannier" pull -q cloud v1 -o "$dir/pulled.zip" --store "$1.other"
	cmp "$dir/right.zip" "$dir/pulled.zip"
}

# Three assets that go in parts, as noise stays as it is.
rm -rf "$dir"/{model,packed,swift.store,cluster.store}*
mkdir -p "$dir/model/assumptions"
cd "$dir/model"
echo MODEL >model.mga
for role in mortality lapse expenses; do
	head -c 20000000 /dev/urandom >"assumptions/$role.csv"
done
cat >livecalc.config.json <<'EOC'
{"model": "model.mga", "scenarios": {"count": 1}, "assumptions": {"mortality": "assumptions/mortality.csv",
"lapse": "assumptions/lapse.csv", "expenses": "assumptions/expenses.csv"}}
EOC
"$pannier" pack -q --tag v1 -o "$dir/right.zip" --store "$dir/packed"

"$servers/swift" start "$dir/swift"
. "$dir/swift/env"
url="s3://$S3_BUCKET/long?endpoint=$S3_ENDPOINT"
cp -R "$dir/packed" "$dir/swift.store"
"$pannier" remote add -q cloud "$url" --store "$dir/swift.store"
"$pannier" push -q cloud v1 --store "$dir/swift.store"
pushed "$dir/swift.store"
"$servers/swift" stop "$dir/swift"
echo "ok: pushed to Swift and pulled"

"$servers/rgw" start "$dir/cluster" --cluster
. "$dir/cluster/env"
url="s3://$S3_BUCKET/long?endpoint=$S3_ENDPOINT"
cp -R "$dir/packed" "$dir/cluster.store"
"$pannier" remote add -q cloud "$url" --store "$dir/cluster.store"
"$pannier" push -q cloud v1 --store "$dir/cluster.store" &
push=$!
sleep 0.3
kill -0 $push || fail "the push was done before an OSD could be killed"
kill -9 "$(cat "$dir/cluster/pid/osd.1")"
wait $push || fail "a killed OSD is a failure of the push"
pushed "$dir/cluster.store"
echo "ok: pushed to three OSDs, one of which was killed"
