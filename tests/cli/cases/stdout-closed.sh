# The reader has gone: silent, as if SIGPIPE had come; with SIGPIPE ignored, an error.
sample
seq 1 400000 > data/policies.csv
pannier pack -q --include-policies
pannier cat latest:data/policies.csv | head -c 1; echo " ${PIPESTATUS[0]}"
pannier export latest -o - | head -c 1 | od -An -c; echo "${PIPESTATUS[0]}"
pannier pack -o - --include-policies | head -c 1 | od -An -c; echo "${PIPESTATUS[0]}"
(trap '' PIPE; pannier cat latest:data/policies.csv; echo "$?" > status) | head -c 1; echo; cat status
ls -A "$TMPDIR"
