# Which store is used.
sample model/deep
cd model/deep
run pannier pack -q -v --portable
run pannier pack -q -v --portable --store ../../by-option
PANNIER_STORE=$PWD/../../by-environment run pannier pack -q -v --portable
pannier init -q ..
rm -r .pannier
run pannier pack -q -v --portable
(cd .. && run pannier log -v > /dev/null)
cd ../..
run pannier log --store nowhere
json pannier log --json --store nowhere
run pannier show latest --store model
touch file
run pannier log --store file
