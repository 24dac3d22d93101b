run pannier log
json pannier log --json
pannier init -q
run pannier log
json pannier log --json
