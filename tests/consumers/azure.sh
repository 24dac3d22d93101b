# What was pushed to Azure Blob, with each kind of credentials, is read back with Azure's own client; a package is
# rebuilt of it with gunzip, zstd, sha256sum and jq; and pull gives the same.
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/care.sh"
need_pannier
need rclone rclone
need node nodejs
need jq jq
need zstd zstd
need_jszip
[ -r "$BUILD/servers/azurite/env" ] || fail "servers/azurite does not run; ctest starts it"
unset "${!AZURE_@}" "${!IDENTITY_@}"
. "$BUILD/servers/azurite/env"
account=$AZURE_STORAGE_ACCOUNT key=$AZURE_STORAGE_KEY sas=$AZURE_SAS
string=$AZURE_CONNECTION_STRING read_only=$AZURE_READ_SAS other=$AZURE_OTHER_KEY
unset "${!AZURE_STORAGE_@}" AZURE_SAS AZURE_READ_SAS AZURE_CONNECTION_STRING AZURE_OTHER_KEY
run=consumers-$$-$(date +%s%N)

# as NAME=VALUE... COMMAND...: with these credentials only. They stay out of the list of processes, where another test
# looks for them.
as() (
	export HOME="$WORK" AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:1
	while [[ $1 =~ ^[A-Z_]+= ]]; do
		export "$1"
		shift
	done
	exec "$@"
)

sed -n '/^<!-- rebuild.sh -->$/,/^```$/{/^<!--/d;/^```/d;p}' "$SOURCE/schema/remote-format.md" > "$WORK/rebuild.sh"
[ -s "$WORK/rebuild.sh" ] || fail "schema/remote-format.md has no script"
sample_copy "$WORK/model"
cd "$WORK/model"
# one that goes in blocks, of which the last is smaller
head -c 40000000 /dev/urandom > assumptions/lapse.csv
pannier pack -q --include-policies -o "$WORK/model.zip"
package=$(pannier verify "$WORK/model.zip" --json | json it.packageHash)

# round NAME URL CREDENTIALS: push, read back, rebuild, push again, pull.
round() {
	local name=$1 url=$2
	shift 2
	pannier remote add -q "$name" "$url"
	as "$@" pannier push -q "$name" latest
	AZURE_STORAGE_CONNECTION_STRING=$string node "$JS/azure.mjs" "$run/$name" "$WORK/$name" > "$WORK/counts"
	read -r blobs others largest < "$WORK/counts"
	[ "$blobs" -gt 5 ] && [ "$others" = 2 ] && [ "$largest" -gt 33554432 ] || fail "$name: $(cat "$WORK/counts")"
	mkdir "$WORK/$name.out"
	sh "$WORK/rebuild.sh" "$WORK/$name" "$(find "$WORK/$name/packages" -name '*.json')" "$WORK/$name.out"
	[ "$(package_hash "$WORK/$name.out")" = "$package" ] || fail "$name: another package"
	as "$@" pannier push --json "$name" latest > "$WORK/again.json"
	[ "$(json it.bytesSent < "$WORK/again.json")" = 0 ] || fail "$name: pushed again: $(cat "$WORK/again.json")"
	mkdir "$WORK/$name.store"
	pannier init -q "$WORK/$name.store"
	pannier remote add -q "$name" "$url" --store "$WORK/$name.store/.pannier"
	as "$@" pannier pull -q "$name" "$package" -C "$WORK/$name.pulled" --store "$WORK/$name.store/.pannier"
	diff -r "$WORK/$name.out" "$WORK/$name.pulled" || fail "$name: pull gives something else"
	ok "$name: $blobs blobs, the largest of $largest bytes"
}

round key "azure://$account/$AZURE_CONTAINER/$run/key?endpoint=$AZURE_ENDPOINT" \
	AZURE_STORAGE_ACCOUNT="$account" AZURE_STORAGE_KEY="$key"
round signature "azure://$account/$AZURE_CONTAINER/$run/signature?endpoint=$AZURE_ENDPOINT/$account" \
	AZURE_STORAGE_SAS_TOKEN="$sas"
round string "azure://$account/$AZURE_CONTAINER/$run/string" AZURE_STORAGE_CONNECTION_STRING="$string"

asking() { as AZURE_STORAGE_ACCOUNT="$account" AZURE_STORAGE_KEY="$key" "$@"; }
rclone() {
	as RCLONE_CONFIG=/dev/null RCLONE_CONFIG_HERE_TYPE=azureblob RCLONE_CONFIG_HERE_SAS_URL="$AZURE_ENDPOINT/$account?$sas" \
		env rclone "$@"
}
care key "azure://$account/$AZURE_CONTAINER/$run/key?endpoint=$AZURE_ENDPOINT" "here:$AZURE_CONTAINER/$run/key"

# refused TEXT NAME=VALUE...: a push to a new place fails so, and no secret is told.
pannier remote add -q refused "azure://$account/$AZURE_CONTAINER/$run/refused?endpoint=$AZURE_ENDPOINT"
refused() {
	local text=$1 status=0
	shift
	as "$@" pannier push refused latest > "$WORK/out" 2> "$WORK/err" || status=$?
	[ "$status" = 7 ] || fail "status $status with $text: $(cat "$WORK/err")"
	grep -qF "$text" "$WORK/err" || fail "not told '$text': $(cat "$WORK/err")"
	for secret in "$key" "$other" "${sas##*sig=}" "${read_only##*sig=}"; do
		! grep -qF "$secret" "$WORK/out" "$WORK/err" || fail "a secret is told"
	done
	ok "refused: $(cat "$WORK/err")"
}
refused "the key or the signature is not that of this account" AZURE_STORAGE_KEY="$other"
refused "these credentials may not do this" AZURE_STORAGE_SAS_TOKEN="$read_only"
refused "there are no credentials of Azure" NOTHING=1
! grep -rqF -e "$key" -e "${sas##*sig=}" "$WORK/model/.pannier" || fail "a secret is in the store"
