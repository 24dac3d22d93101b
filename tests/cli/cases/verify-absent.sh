run pannier verify nowhere.zip
json pannier verify nowhere.zip --json
run pannier verify no/such/file
run pannier verify latest
mkdir folder.zip
run pannier verify folder.zip
pannier init -q
run pannier verify latest
run pannier verify nothing
json pannier verify nothing --json
run pannier unpack nowhere.zip -C out
run pannier worker-json nowhere.zip
json pannier worker-json nowhere.zip --json
ls
