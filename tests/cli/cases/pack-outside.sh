# What lies outside the workspace is refused unless its folder is allowed.
sample model
mkdir tables && mv model/assumptions/lapse.csv tables/
cd model
sed -i 's|local://assumptions/lapse.csv|local://../tables/lapse.csv|' livecalc.config.json
run pannier pack
json pannier pack --json
run pannier pack -q --allow-outside ../tables
run pannier pack -q --workspace ..
unzip -Z1 ../model-package.zip | grep lapse
# Engines that live elsewhere.
mv wasm ../engines
run pannier pack -q --allow-outside ../tables
run pannier pack -q --allow-outside ../tables --engine-dir . --engine-dir ../engines
run pannier pack -q --engine-dir nowhere
