sample
pannier pack -q --tag old --name term && cp model-package.zip old.zip
edit_table
pannier pack -q && cp model-package.zip new.zip
pannier delta --since old -q -o d.zip && pannier delta --since old -q --patch -o p.zip
hashes() { sed -E 's/[0-9a-f]{64}/HASH/g; s/[0-9.]+ KiB/SIZE/; s/(Size": )[0-9]+/\1SIZE/'; }
mkdir worker && cd worker || exit
export PANNIER_STORE=$PWD/store
# Nothing here has what the delta builds on: all of it is listed.
run pannier apply ../p.zip -o new.zip 2>&1 | hashes
filter='del(.error) | .missing |= map({path, hash: (.hash | length), patchBase})' json pannier apply ../p.zip -o new.zip --json 2> /dev/null
# From a zip, then from the store.
run pannier apply ../p.zip --base ../old.zip -o new.zip | hashes && cmp new.zip ../new.zip
json pannier apply ../p.zip -o again/new.zip --json | hashes && cmp again/new.zip ../new.zip
run pannier apply - -C files < ../d.zip | hashes && pannier verify -q ../new.zip && (cd files && find . -type f | sort)
run pannier apply ../d.zip | hashes
run pannier log | anyone | tail -n +2 | tr -s ' ' | cut -d' ' -f 3,4
# From a folder, into a store that is not there yet.
mkdir before && unzip -q ../old.zip -d before
run pannier apply ../p.zip --base before -o other.zip --store other | hashes && cmp other.zip ../new.zip
pannier apply -q --store third ../d.zip --base ../new.zip -o third.zip && cmp third.zip ../new.zip
# What cannot be.
run pannier apply ../old.zip
run pannier apply nothing.zip
run pannier apply ../p.zip --base nothing.zip --store fourth
run pannier apply ../p.zip --base ../term-life.mga --store fourth 2>&1 | hashes
run pannier apply ../p.zip -o a.zip -C b
run pannier apply ../p.zip -C files
run pannier apply ../p.zip -o store/a.zip
head -c 300 ../p.zip > cut.zip
run pannier apply cut.zip
filter='.success, .exit' json pannier apply cut.zip --json 2> /dev/null
printf '%s\n' *
