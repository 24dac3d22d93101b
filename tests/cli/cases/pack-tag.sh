sample
pannier pack -q --tag good
pannier pack -q --tag good
edit_table
run pannier pack -q --tag good
run pannier pack -q --tag 'latest~1'
run pannier pack -q --tag abcd
run pannier pack -q --tag 'a b'
run pannier pack -q --tag "$(printf '%0256d' 0 | tr 0 t)"
