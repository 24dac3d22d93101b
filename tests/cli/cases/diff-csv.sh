sample
table=assumptions/lapse.csv
show() { run pannier diff latest~1 latest --csv "$@"; }
pack() { cat > "$table"; pannier pack -q --portable; }
pack << 'END'
year,product,rate,note
1,T10,0.1,
2,T10,0.08,"a ""quoted"" word, and a comma"
10,T10,0.05,two
lines
2,T20,0.09,x
END
sed -i 'N;s/two\nlines/"two\nlines"/;P;D' "$table"
pannier pack -q --portable
# Rows in another order, line ends, quotes that need not be: the same table.
pack << 'END'
year,product,rate,note
2,T20,0.09,x
10,T10,"0.05","two
lines"
2,T10,0.08,"a ""quoted"" word, and a comma"
1,"T10",0.1,
END
show year,product
sed -i 's/$/\r/' "$table"
pannier pack -q --portable
show year,product
# Cells, rows, columns.
pack << 'END'
product,year,rate,group
T10,1,0.11,A
T10,2,0.08,A
T20,2,0.095,B
T20,3,0.07,"B, late"
END
show year,product
json pannier diff latest~1 latest --csv year,product --only '*lapse*' --json
show year
filter='.assets[0].table' json pannier diff latest~1 latest --csv product --only '*lapse*' --json
show nothing
show year,
show ''
pack << 'END'
product,year,rate,group
T10,1,0.11
END
show year
pack << 'END'
product,year,rate,group
T10,1,"0.11,A
END
show year
pack < /dev/null
show year
