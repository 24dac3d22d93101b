sample
pannier pack -q --portable --name term
edit_table
pannier pack -q --portable --name term
pannier pack -q --portable --name other --no-zip
run pannier uses latest:assumptions/mortality.csv
run pannier uses "$(sha256sum < assumptions/lapse.csv | cut -c 1-8)"
json pannier uses --json term@latest~1:assumptions/mortality.csv
run pannier uses ffffffff
run pannier uses latest:nothing
run pannier uses term@latest
