sample
pannier pack -q --portable
python3 - <<'END'
import zipfile
with zipfile.ZipFile("model-package.zip") as good, zipfile.ZipFile("changed.zip", "w") as bad, \
        zipfile.ZipFile("lacking.zip", "w") as lacking:
    for name in good.namelist():
        data = good.read(name)
        bad.writestr(name, data + b"x" if name.endswith("lapse.csv") else data)
        if not name.endswith("summary.py"):
            lacking.writestr(name, data)
data = open("model-package.zip", "rb").read()
open("short.zip", "wb").write(data[:-100])
open("flipped.zip", "wb").write(data[:3000] + bytes([data[3000] ^ 1]) + data[3001:])
END
for file in changed lacking short flipped; do
	run pannier verify $file.zip
	filter='.success, .exit, .valid, (.problems | map(.path))' json pannier verify $file.zip --json
	run pannier unpack $file.zip -C "$file"
	ls -d "$file"
done
printf 'PK' > text.zip
run pannier verify text.zip
printf '' | run pannier verify -
run pannier worker-json changed.zip
run pannier worker-json lacking.zip
