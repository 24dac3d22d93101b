/* Colours by the reader's system; figures that align; on a phone what is wide
 * scrolls in its own place. */
#include "report/style.h"
#include <stddef.h>

static const char colours[] =
	":root{color-scheme:light dark;--bg:#fdfdfc;--fg:#1f2428;--soft:#5d656e;--line:#e2e4e6;--track:#eff0f1;"
	"--shade:#1f242826;--files:#b9cde0;--zip:#2f6493;--add:#3d8557;--cut:#b0483f}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#d9dee3;--soft:#949da7;--line:#2b3137;"
	"--track:#20252a;--shade:#0009;--files:#35506a;--zip:#74a9d8;--add:#68b585;--cut:#e0827a}}\n";

static const char text[] =
	"*{box-sizing:border-box}"
	"html{-webkit-text-size-adjust:100%;background:var(--bg);color:var(--fg)}"
	"body{margin:0;font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",\"Noto Sans\",Arial,"
	"sans-serif;font-variant-numeric:tabular-nums}"
	"main{max-width:72rem;margin:0 auto;padding:2.5rem 1.5rem 3rem}"
	"h1{font-size:1.75rem;line-height:1.2;font-weight:600;margin:0 0 .35rem}"
	"h2{font-size:1.15rem;font-weight:600;margin:3rem 0 .25rem}"
	"h3{font-size:.95rem;font-weight:600;margin:1.75rem 0 .5rem}"
	"p{margin:0 0 1rem;max-width:48rem}.tiles+p,header+p{margin-top:1.75rem}figure{margin:0}"
	".soft,header p,footer{color:var(--soft)}strong{font-weight:600;color:var(--fg)}header span,strong{white-space:nowrap}"
	"code{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace}"
	"code.h,p code,bdi,dd,td,.path{overflow-wrap:anywhere}"
	"footer{border-top:1px solid var(--line);margin-top:3rem;padding-top:1rem;font-size:.87rem}\n"
	".tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:1px;margin:1.75rem 0 0;background:var(--line);"
	"border:1px solid var(--line)}"
	".tiles div{background:var(--bg);padding:.8rem 1rem}"
	".tiles dt{color:var(--soft);font-size:.87rem}"
	".tiles dd{margin:0;font-size:1.3rem;line-height:1.3}"
	".u{color:var(--soft);font-size:.87em}.n .u{display:inline-block;width:2.25em;text-align:left;padding-left:.3em}\n";

static const char tables[] =
	"table{border-collapse:collapse;width:100%;font-size:.87rem}"
	"th,td{text-align:left;vertical-align:baseline;padding:.35rem 1rem .35rem 0;border-bottom:1px solid var(--line)}"
	"th:last-child,td:last-child{padding-right:0}"
	"th{font-weight:500;color:var(--soft);white-space:nowrap}"
	"td{min-width:4.5rem}td.n,td.w{min-width:0;white-space:nowrap}td.wide{min-width:10rem}"
	"td.n,th.n{text-align:right}.n+th:not(.n),.n+td:not(.n){padding-left:.5rem}"
	/* The edges of what can be scrolled are in the shade of those that cover it. */
	".scroll{overflow-x:auto;background:linear-gradient(90deg,var(--bg) 1rem,transparent) 0 0/2.5rem 100% no-repeat "
	"local,linear-gradient(270deg,var(--bg) 1rem,transparent) 100% 0/2.5rem 100% no-repeat local,"
	"linear-gradient(90deg,var(--shade),transparent) 0 0/.6rem 100% no-repeat scroll,"
	"linear-gradient(270deg,var(--shade),transparent) 100% 0/.6rem 100% no-repeat scroll}"
	"dl.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.3rem 1.5rem;margin:1rem 0 1.5rem;"
	"font-size:.93rem}"
	".facts dt{color:var(--soft)}.facts dd{margin:0}\n";

static const char drawings[] =
	"svg{display:block;overflow:visible}"
	"svg text{font-size:12px;fill:var(--soft)}rect{shape-rendering:crispEdges}"
	".chart{margin-left:4.5rem;width:calc(100% - 4.5rem)}"
	".grid{stroke:var(--line)}.base{stroke:var(--soft)}"
	".y,.end{text-anchor:end}.x{text-anchor:middle}"
	".files{fill:var(--files)}.zip,.changed{fill:var(--zip)}.track{fill:var(--track)}"
	".added{fill:var(--add)}.removed{fill:var(--cut)}"
	".cells{stroke:var(--track);stroke-width:16px;stroke-dasharray:.9 .1;stroke-dashoffset:-.05}"
	".key{display:flex;flex-wrap:wrap;gap:.2rem 1.25rem;margin:.75rem 0;font-size:.87rem;color:var(--soft)}"
	".key span{display:inline-flex;align-items:center;gap:.4rem}"
	".row+p{margin-top:.75rem}"
	".row{display:grid;grid-template-columns:minmax(0,16rem) minmax(0,1fr) 5.5rem;gap:0 1rem;align-items:center;"
	"font-size:.87rem;padding:.15rem 0}"
	".row svg{width:100%}.row .n{white-space:nowrap;text-align:right}.head{color:var(--soft)}\n";

static const char narrow[] =
	"@media screen and (max-width:52rem){"
	"main{padding:1.5rem 1rem 2rem}h2{margin-top:2.5rem}.alt{display:none}"
	".tiles{grid-template-columns:repeat(2,1fr)}"
	".row{grid-template-columns:minmax(0,1fr) max-content;padding:.3rem 0}.row svg{grid-area:2/1/3/3}"
	"dl.facts{grid-template-columns:minmax(0,1fr);gap:0}.facts dd{margin-bottom:.5rem}"
	"table{font-size:.8rem}th,td{padding-right:.6rem}td.wide{min-width:13rem}td.full code{white-space:nowrap}}\n";

static const char print[] =
	"@media print{"
	":root{color-scheme:light;--bg:#fff;--fg:#000;--soft:#555;--line:#ccc;--track:#eee;--files:#b9cde0;--zip:#2f6493;"
	"--add:#3d8557;--cut:#b0483f}"
	"html{font-size:12px}body{font-size:9pt}main,p{max-width:none}main{padding:0}svg text{font-size:10px}"
	".scroll{overflow:visible;background:none}"
	".row{grid-template-columns:minmax(0,13rem) minmax(0,1fr) 5.5rem}th,td{padding-right:.6rem}"
	"td{min-width:0}td.wide{min-width:7rem}"
	"*{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
	"h2,h3{break-after:avoid}tr,.row,figure,.tiles{break-inside:avoid}thead{display:table-header-group}}\n";

const char *const pnr_report_style[] = { colours, text, tables, drawings, narrow, print, NULL };
