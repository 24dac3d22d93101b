# What is a file and what is a REF.
sample models/term
cd models/term && pannier pack -q --workspace ../.. --tag build --portable && cd ../..
pannier show --json models/term@latest | jq .success
run pannier verify -q models/term@latest
run pannier verify -q models/term@latest~0
run pannier verify -q models/term@latest~x
# A folder does not hide a tag, a file does.
mkdir build
run pannier verify -q build
rmdir build && cp model-package.zip build && rm -r .pannier
run pannier verify -q build
run pannier verify -q ./build
