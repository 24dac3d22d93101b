# The report in a browser: nothing overlaps or sticks out at the width of a desk, a tablet and two phones, in light
# and in dark; its source is well formed, nothing is loaded, nothing runs, whatever the store's texts say. With
# SCREENSHOTS=DIR in the environment what was seen goes there.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need node nodejs
need chromium chromium

look() { node "$JS/page.mjs" "$@" >"$WORK/faults" || fail "$1: $(cat "$WORK/faults")"; }

sample_copy "$WORK/model"
cd "$WORK/model"
pannier pack -q --name term-life --note 'the first'
sed -i 's/0.000538/0.000541/' assumptions/mortality.csv
pannier pack -q --name term-life --tag 2026-q1
pannier remote add -q share "$WORK/share"
pannier push -q share
sed -i 's/0.000558/0.000561/' assumptions/mortality.csv
pannier pack -q --include-policies --name '<script>alert(1)</script>"&'\''' --note $'</p><img src=x onerror=alert(1)>\x1b[31m\u202eabc\u0085'
pannier pack -q --name 'نموذج-الوفيات' --note '死亡率モデルの更新'
pannier pack -q --name "$(printf 'long%.0s' {1..60})" --note "$(printf 'without-a-space%.0s' {1..60})"
pannier push -q share
pannier report -q -o "$WORK/report.html"
look "$WORK/report.html" ${SCREENSHOTS:+"$SCREENSHOTS"}
ok "the page fits everywhere and loads nothing"

# a store in which nothing was packed
mkdir "$WORK/new"
cd "$WORK/new"
pannier init -q .
pannier report -q -o "$WORK/empty.html"
DEVICES=phone look "$WORK/empty.html"
ok "the page of an empty store"

# that the look finds what is wrong
sed 's/<h2>/<h2 style="margin-top:-30px">/' "$WORK/report.html" >"$WORK/overlap.html"
sed 's/<h1>/<h1 style="white-space:nowrap;width:2000px">/' "$WORK/report.html" >"$WORK/wide.html"
sed 's/--soft:#5d656e/--soft:#c0c0c0/' "$WORK/report.html" >"$WORK/pale.html"
sed 's/<footer>/<img src="other.png"><footer>/' "$WORK/report.html" >"$WORK/foreign.html"
sed 's/overflow-x:auto/overflow-x:visible/' "$WORK/report.html" >"$WORK/spread.html"
sed 's/<\/figure>//' "$WORK/report.html" >"$WORK/open.html"
sed 's/&#60;script/<script/' "$WORK/report.html" >"$WORK/script.html"
sed 's/main{/main{background:url(x.png);/' "$WORK/report.html" >"$WORK/url.html"
for wrong in overlap wide pale foreign spread open script url; do
	! cmp -s "$WORK/$wrong.html" "$WORK/report.html" || fail "$wrong.html is no other page"
	! DEVICES=phone node "$JS/page.mjs" "$WORK/$wrong.html" >"$WORK/faults" || fail "$wrong.html passes"
done
ok "a page that is wrong is found"
