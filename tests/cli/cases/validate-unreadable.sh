run pannier validate
json pannier validate --json nowhere/x.json
mkdir folder
run pannier validate folder
run pannier validate folder --assets nothing
