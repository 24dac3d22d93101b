# The ways to write an option, and where.
sample
run pannier --no-progress pack --portable -qo a.zip
run pannier pack -qob.zip --portable
run pannier -q --workspace=. pack --output=c.zip --portable -- livecalc.config.json
run pannier pack --portable -q -o wrong.zip -o d.zip
cmp a.zip b.zip && cmp a.zip c.zip && cmp a.zip d.zip
ls
