# A file changed behind the clock's back is found by --rehash.
sample
pannier pack -q
filter='.stats | {assetsHashed, assetsReused, unchanged}' json pannier pack --json --rehash
