# A package goes to Ceph's S3 gateway and comes back; what lies there is read without Pannier, and no secret is anywhere.
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/care.sh"
need_pannier
need rclone rclone
need curl curl
need gunzip gzip
. "$BUILD/servers/rgw/env"
URL="s3://$S3_BUCKET/consumers-$$/models?endpoint=$S3_ENDPOINT"

# fetch KEY: with the signature that curl makes.
fetch() {
	printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
		curl -sf -K - --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
			"$S3_ENDPOINT/$S3_BUCKET/consumers-$$/models/$1"
}

sample_copy "$WORK/model"
cd "$WORK/model"
# one asset that goes in parts
head -c 40000000 /dev/urandom >term-life.mga
pannier pack -q -o "$WORK/first.zip"
pannier remote add -q cloud "$URL"
pannier push cloud latest --json >"$WORK/push.json"
[ "$(json 'it.blobsSent === it.blobsNeeded && it.bytesSent > 40000000' <"$WORK/push.json")" = true ] ||
	fail "not all was sent: $(cat "$WORK/push.json")"
pannier push cloud latest --json >"$WORK/again.json"
[ "$(json it.bytesSent <"$WORK/again.json")" = 0 ] || fail "sent again: $(cat "$WORK/again.json")"
ok "$(json it.blobsSent <"$WORK/push.json") objects are sent, once"

first=$(json it.packageHash <"$WORK/push.json")
pannier verify "$WORK/first.zip" --json | json 'it.packageHash' | grep -qx "$first" || fail "another package"
echo '# a comment' >>python/summary.py
pannier pack -q -o "$WORK/second.zip"
pannier push cloud latest --json >"$WORK/second.json"
[ "$(json 'it.blobsSent <= 3 && it.bytesSent < 10000' <"$WORK/second.json")" = true ] ||
	fail "more was sent than what changed: $(cat "$WORK/second.json")"
second=$(json it.packageHash <"$WORK/second.json")

# Another machine has nothing.
mkdir "$WORK/other"
pannier init -q "$WORK/other"
cd "$WORK/other"
pannier remote add -q cloud "$URL"
for name in first second; do
	pannier pull -q cloud "${!name}" -o "$name.zip"
	same "$name.zip" "$WORK/$name.zip"
done
pannier remote check -q cloud
ok "both packages come back, byte for byte"

# What lies there is what its name says, whoever reads it.
read=0
while read -r hash key; do
	case $key in
	*.gz) have=$(fetch "$key" | gunzip | sha256sum) ;;
	*) have=$(fetch "$key" | sha256sum) ;;
	esac
	[ "${have%% *}" = "$hash" ] || fail "$key has the content $have"
	read=$((read + 1))
done < <(printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
	curl -sf -K - --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
		"$S3_ENDPOINT/$S3_BUCKET?list-type=2&prefix=consumers-$$%2Fmodels%2Fblobs" |
	grep -o '<Key>[^<]*' | sed -E 's|.*/models/(blobs/../([0-9a-f]{64}).*)|\2 \1|')
[ $read -ge 5 ] || fail "only $read objects were listed"
ok "$read objects have the content that they are named by"

cd "$WORK/model"
asking() { "$@"; }
# rclone takes no certificates from there
rclone() {
	env -u AWS_CA_BUNDLE RCLONE_CONFIG=/dev/null RCLONE_CONFIG_HERE_TYPE=s3 RCLONE_CONFIG_HERE_PROVIDER=Ceph \
		RCLONE_CONFIG_HERE_ENV_AUTH=true RCLONE_CONFIG_HERE_ENDPOINT="$S3_ENDPOINT" rclone "$@"
}
care cloud "$URL" "here:$S3_BUCKET/consumers-$$/models"

# Secrets stay in the environment: not in a store, not in what is said.
export AWS_SESSION_TOKEN=tokentokentokentoken
pannier push cloud latest --store "$WORK/model/.pannier" -v --json >"$WORK/said.json" 2>"$WORK/said" || true
unset AWS_SESSION_TOKEN
AWS_SECRET_ACCESS_KEY=wrongwrongwrongwrong pannier pull cloud "$first" -v >>"$WORK/said" 2>&1 && fail "pulled with a wrong secret"
grep -q 'SignatureDoesNotMatch' "$WORK/said" || fail "not told why: $(cat "$WORK/said")"
for secret in "$AWS_SECRET_ACCESS_KEY" tokentokentokentoken wrongwrongwrongwrong Signature=; do
	if grep -rqaF -- "$secret" "$WORK"; then
		fail "a secret is in $(grep -rlaF -- "$secret" "$WORK")"
	fi
done
ok "no secret is anywhere"
