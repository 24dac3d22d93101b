# A seed that no double holds passes through, in the manifest and in the result.
sample
sed -i 's/"seed": [0-9]*/"seed": 12345678901234567890/' livecalc.config.json
pannier pack --json | grep -o '"seed": [0-9]*'
unzip -p model-package.zip manifest.json | grep -o '"seed": [0-9]*'
