# On a file system that shares blocks, a zip shares those of the stored objects;
# its bytes are the same as anywhere. In a loop mount of XFS; where nothing can
# be mounted, skipped.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need mkfs.xfs xfsprogs
need filefrag e2fsprogs
need unzip unzip
need python3 python3

disk=$WORK/disk
mkdir "$disk"
truncate -s 1G "$WORK/image"
mkfs.xfs -q -m reflink=1 "$WORK/image"
mount -o loop "$WORK/image" "$disk" 2>"$WORK/why" || { echo "skipped: cannot mount: $(cat "$WORK/why")"; exit 77; }
trap 'cd /; umount "$disk"; rm -rf "$WORK"' EXIT

# One body that is stored and one that is deflated, both of some blocks and a rest.
model() {
	sample_copy "$1"
	python3 - "$1" <<'EOF'
import random, sys
chance = random.Random(7)
with open(f"{sys.argv[1]}/data/policies.csv", "wb") as out:
    out.write(chance.randbytes(3_333_333))
with open(f"{sys.argv[1]}/assumptions/mortality.csv", "w") as out:
    out.write("age,qx\n")
    for i in range(400_000):
        out.write(f"{i},{chance.random():.7f}\n")
EOF
}
export SOURCE_DATE_EPOCH=1769258096
pack() { (cd "$1" && pannier pack -q --portable --include-policies); }
model "$disk/model"
model "$WORK/elsewhere"
pack "$disk/model"
pack "$WORK/elsewhere"
same "$disk/model/model-package.zip" "$WORK/elsewhere/model-package.zip"
ok "the same bytes as where blocks are not shared"

# shared FILE: bytes of it that it shares.
shared() { sync "$1"; filefrag -v -b1 "$1" | awk -F'[: ]+' '/shared/ { sum += $7 } END { print sum + 0 }'; }
cd "$disk/model"
size=$(stat -c %s model-package.zip)
[ "$(shared model-package.zip)" -gt $((size - 100000)) ] || fail "of $size bytes, $(shared model-package.zip) are shared: $(filefrag -v model-package.zip)"
echo "# changed" >>"$(find python -name '*.py' | head -n 1)"
pack .
! cmp -s model-package.zip "$WORK/elsewhere/model-package.zip" || fail "nothing was changed"
[ "$(shared model-package.zip)" -gt $((size - 100000)) ] || fail "packed again: $(shared model-package.zip) of $size bytes are shared"
unzip -tqq model-package.zip
pannier verify model-package.zip >/dev/null
ok "the objects' blocks are the zip's, also when something else has changed"

object=$(find .pannier/objects -type f -size +2M | head -n 1)
python3 - "$object" <<'EOF'
import os, sys
os.chmod(sys.argv[1], 0o644)
with open(sys.argv[1], "r+b") as file:
    file.seek(1_000_000)
    byte = file.read(1)
    file.seek(1_000_000)
    file.write(bytes([byte[0] ^ 1]))
EOF
pannier verify model-package.zip >/dev/null
cp model-package.zip "$WORK/before.zip"
echo "# changed again" >>"$(find python -name '*.py' | head -n 1)"
! pack . 2>"$WORK/why" || fail "a damaged object was shared"
grep -q "$(basename "$object")" "$WORK/why" || fail "the damaged object is not named: $(cat "$WORK/why")"
same model-package.zip "$WORK/before.zip"
ok "a damaged object is found although it is not copied"
