"""The style sheet of report.html."""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c1c1c;--soft:#666;--rule:#ddd;--card:#f4f6f8;
--blue:#0072b2;--orange:#d55e00}
@media(prefers-color-scheme:dark){:root{--paper:#16181b;--ink:#e6e6e6;--soft:#a0a4a8;--rule:#34383d;
--card:#202429;--blue:#56b4e9;--orange:#e69f00}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
main{max-width:820px;margin:0 auto;padding:1.2rem 1rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:.4rem 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
h3{font-size:1rem;margin:1rem 0 .2rem;font-weight:600;overflow-wrap:anywhere}
.verdict{background:var(--card);border-left:4px solid var(--blue);border-radius:6px;padding:.9rem 1.1rem}
.verdict p{margin:0 0 .8rem;font-size:1.08rem}
dl{display:flex;flex-wrap:wrap;gap:.5rem 1.8rem;margin:0}
dt{color:var(--soft);font-size:.8rem}
dd{margin:0;overflow-wrap:anywhere}
.note{color:var(--soft);font-size:.88rem}
figure{margin:.4rem 0 1rem}
figcaption{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.85rem;margin-bottom:.2rem}
.key{display:inline-block;width:1.3em;height:3px;margin-right:.4em;vertical-align:middle;background:currentColor}
.key.area{height:.8em;opacity:1}
svg{width:100%;height:auto;display:block}
img{max-width:100%;height:auto;display:block;margin:0 auto;border-radius:6px}
text{fill:var(--soft);font-size:12px}
.middle{text-anchor:middle}
.end{text-anchor:end}
.grid{stroke:var(--rule);stroke-width:1}
.base{stroke:var(--soft);stroke-width:1}
.line{fill:none;stroke:currentColor;stroke-width:1.7;stroke-linejoin:round}
.dot{fill:currentColor}
.band{fill:currentColor}
.post{stroke:currentColor;stroke-width:7}
.ink{color:var(--ink)}
.blue{color:var(--blue)}
.orange{color:var(--orange)}
.blue-0{color:color-mix(in srgb,var(--blue) 22%,var(--paper))}
.blue-1{color:color-mix(in srgb,var(--blue) 42%,var(--paper))}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{white-space:nowrap;padding:.35rem .7rem;text-align:right;border-bottom:1px solid var(--rule)}
th{color:var(--soft);font-size:.85rem;font-weight:600}
th:first-child,td:first-child,.words{text-align:left}
td:first-child,td.words{white-space:normal}
.best td{font-weight:700;background:var(--card)}
.heat td,.heat thead th:not(:first-child){text-align:center}
.heat td{background:color-mix(in srgb,var(--blue) calc(.75*var(--share)),var(--paper))}
.mark{background:color-mix(in srgb,var(--orange) calc(.7*var(--share)),var(--paper));border-radius:3px;padding:0 .1em}
.marked{overflow-wrap:anywhere;margin-top:.1rem}
.looks{display:flex;flex-wrap:wrap;gap:.5rem}
.looks figure{width:6.2rem;margin:0}
pre{background:var(--card);border-radius:6px;padding:.7rem .9rem;white-space:pre-wrap;overflow-wrap:anywhere;
font:.88rem/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,monospace}
ul{padding-left:1.2rem}
@media(max-width:600px){text{font-size:15px}th,td{padding:.3rem .35rem}}
"""
