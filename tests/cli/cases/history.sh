sample
pannier pack -q --portable --note 'one'
edit_table
pannier pack -q --portable --note 'two'
cp "$SAMPLE/assumptions/mortality.csv" assumptions/
pannier pack -q --portable --note 'one again'
run pannier history assumptions/mortality.csv
run pannier history -v assumptions/lapse.csv | tail -n 1 | cut -c 1-64
json pannier history --json assumptions/mortality.csv
run pannier history assumptions/nothing.csv
json pannier history --json ''
run pannier history
